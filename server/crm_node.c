/* See crm_node.h. Depth is limited by those who build, so that recursion is. */
#include "server/crm_node.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/json.h"
#include "server/crm_tree.h"

static void destructor(void *arg)
{
	struct gw_crm_node *node = arg;

	list_flush(&node->children);
	list_flush(&node->again);
	if (node->text && node->text->buf)
		explicit_bzero(node->text->buf, node->text->size);
	mem_deref(node->text);
	mem_deref(node->name);
}

struct gw_crm_node *gw_crm_node_alloc(void)
{
	return mem_zalloc(sizeof(struct gw_crm_node), destructor);
}

struct gw_crm_node *gw_crm_node_find(const struct gw_crm_node *parent,
				     const char *name, size_t len)
{
	const struct le *le;

	LIST_FOREACH(&parent->children, le) {
		struct gw_crm_node *node = le->data;

		if (!strncmp(node->name, name, len) && !node->name[len])
			return node;
	}
	return NULL;
}

int gw_crm_node_add(struct gw_crm_node **nodep, struct gw_crm_node *parent,
		    const char *name, size_t len)
{
	struct gw_crm_node *first = gw_crm_node_find(parent, name, len);
	struct gw_crm_node *node;
	const struct pl pl = { name, len };

	if (!first && list_count(&parent->children) >= GW_CRM_NAMES_MAX)
		return E2BIG;
	node = gw_crm_node_alloc();
	if (!node || pl_strdup(&node->name, &pl)) {
		mem_deref(node);
		return ENOMEM;
	}
	list_append(first ? &first->again : &parent->children, &node->le, node);
	*nodep = node;
	return 0;
}

int gw_crm_node_write(struct gw_crm_node *node, const char *text, size_t len)
{
	if (!node->text)
		node->text = mbuf_alloc(len ? len : 1);
	if (!node->text)
		return ENOMEM;
	return mbuf_write_mem(node->text, (const uint8_t *)text, len);
}

/* Printing ------------------------------------------------------------------ */

static int print_object(struct mbuf *json, const struct gw_crm_node *node);
static int print_array(struct mbuf *json, const struct gw_crm_node *node);

static bool is_array(const struct gw_crm_node *node)
{
	const struct le *le;
	unsigned i = 0;
	char number[16];

	if (node->text || !list_head(&node->children))
		return false;
	LIST_FOREACH(&node->children, le) {
		const struct gw_crm_node *child = le->data;

		(void)snprintf(number, sizeof(number), "%u", i++);
		if (strcmp(child->name, number) != 0 ||
		    list_head(&child->again))
			return false;
	}
	return true;
}

static int print_text(struct mbuf *json, const struct gw_crm_node *node)
{
	const struct mbuf *text = node->text;

	return text ? gw_json_print_string(json, (const char *)text->buf,
					   text->end) :
		      mbuf_write_str(json, "\"\"");
}

static int print_one(struct mbuf *json, const struct gw_crm_node *node)
{
	if (node->null)
		return mbuf_write_str(json, "null");
	if (is_array(node))
		return print_array(json, node);
	if (list_head(&node->children))
		return print_object(json, node);
	return print_text(json, node);
}

static int print_all(struct mbuf *json, const struct gw_crm_node *node)
{
	const struct le *le;
	int err;

	if (!list_head(&node->again))
		return print_one(json, node);
	err = mbuf_write_u8(json, '[');
	err |= print_one(json, node);
	LIST_FOREACH(&node->again, le) {
		err |= mbuf_write_u8(json, ',');
		err |= print_one(json, le->data);
	}
	return err | mbuf_write_u8(json, ']');
}

static int print_array(struct mbuf *json, const struct gw_crm_node *node)
{
	const struct le *le;
	int err = mbuf_write_u8(json, '[');

	LIST_FOREACH(&node->children, le) {
		if (le->prev)
			err |= mbuf_write_u8(json, ',');
		err |= print_one(json, le->data);
	}
	return err | mbuf_write_u8(json, ']');
}

static int print_object(struct mbuf *json, const struct gw_crm_node *node)
{
	const struct le *le;
	int err = mbuf_write_u8(json, '{');

	LIST_FOREACH(&node->children, le) {
		const struct gw_crm_node *child = le->data;

		if (le->prev)
			err |= mbuf_write_u8(json, ',');
		err |= gw_json_print_string(json, child->name,
					    strlen(child->name));
		err |= mbuf_write_u8(json, ':');
		err |= print_all(json, child);
	}
	if (node->text) {
		err |= mbuf_write_str(json, ",\"#text\":");
		err |= print_text(json, node);
	}
	return err | mbuf_write_u8(json, '}');
}

int gw_crm_node_print(struct mbuf *json, const struct gw_crm_node *root)
{
	return print_object(json, root) ? ENOMEM : 0;
}
