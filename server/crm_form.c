/* A form with bracket keys, as PHP's web would write it: see crm_tree.h. Anything
 * that another reader might take for something else is refused. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re.h>

#include "server/crm_node.h"
#include "server/crm_tree.h"

enum { KEY_MAX = 512 }; /* bytes of one decoded key */

static int refuse(char why[GW_CRM_WHY_SIZE], const char *text)
{
	(void)snprintf(why, GW_CRM_WHY_SIZE, "%s", text);
	return EBADMSG;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 :
				      -1;
}

/* Decodes in[len] to out, which has as much room. -1: not percent-encoded, or a
 * NUL in it. */
static ssize_t decode(char *out, const char *in, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int high, low;
		char c = in[i];

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			high = i + 2 < len ? hex_digit(in[i + 1]) : -1;
			low = i + 2 < len ? hex_digit(in[i + 2]) : -1;
			if (high < 0 || low < 0)
				return -1;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (!c)
			return -1;
		out[n++] = c;
	}
	return (ssize_t)n;
}

/* The child that a step of the path leads to; at the last step a new one. An empty
 * name is the next number. */
static int step(struct gw_crm_node **nodep, const char *name, size_t len,
		bool last)
{
	struct gw_crm_node *parent = *nodep;
	char number[16];

	if (parent->text)
		return EBADMSG;
	if (!len) {
		len = (size_t)snprintf(number, sizeof(number), "%u",
				       list_count(&parent->children));
		name = number;
	}
	*nodep = gw_crm_node_find(parent, name, len);
	if (*nodep && (last ? list_head(&(*nodep)->children) != NULL :
			      (*nodep)->text != NULL))
		return EBADMSG;
	return *nodep && !last ? 0 : gw_crm_node_add(nodep, parent, name, len);
}

/* Walks "a[b][]" down from root; *nodep is a new node in the end. */
static int walk(struct gw_crm_node **nodep, struct gw_crm_node *root,
		const char *key, size_t len)
{
	const char *end = key + len, *at = memchr(key, '[', len);
	int err, depth = 0;

	*nodep = root;
	if (!len || at == key)
		return EBADMSG;
	err = step(nodep, key, at ? (size_t)(at - key) : len, !at);
	while (!err && at) {
		const char *from = at + 1;
		const char *close = memchr(from, ']', (size_t)(end - from));

		if (!close || memchr(from, '[', (size_t)(close - from)) ||
		    (close + 1 < end && close[1] != '[') ||
		    ++depth >= GW_CRM_DEPTH_MAX)
			return EBADMSG;
		at = close + 1 < end ? close + 1 : NULL;
		err = step(nodep, from, (size_t)(close - from), !at);
	}
	return err;
}

/* buf has room for the decoded pair. */
static int read_pair(struct gw_crm_node *root, char *buf, const char *pair,
		     size_t len, char why[GW_CRM_WHY_SIZE])
{
	const char *eq = memchr(pair, '=', len);
	const size_t key_len = eq ? (size_t)(eq - pair) : len;
	const ssize_t key = decode(buf, pair, key_len);
	struct gw_crm_node *node;
	ssize_t value = 0;
	int err;

	if (key < 0 || key > KEY_MAX)
		return refuse(why, "a form field's name is too long or not "
				   "percent-encoded");
	err = walk(&node, root, buf, (size_t)key);
	if (err == E2BIG)
		return refuse(why, "the form has too many fields");
	if (err == EBADMSG) /* perhaps a name that is a value, too */
		return refuse(why,
			      "a form field's name has brackets that don't "
			      "fit");
	if (err)
		return err;
	if (eq)
		value = decode(buf, eq + 1, len - key_len - 1);
	if (value < 0)
		return refuse(why, "a form field is not percent-encoded text");
	return gw_crm_node_write(node, buf, (size_t)value);
}

int gw_crm_form_to_json(struct mbuf *json, const char *form, size_t len,
			char why[GW_CRM_WHY_SIZE])
{
	struct gw_crm_node *root = gw_crm_node_alloc();
	char *buf = mem_alloc(len + 1, NULL);
	size_t pairs = 0, left = len;
	int err = root && buf ? 0 : ENOMEM;

	while (!err && left) {
		const char *amp = memchr(form, '&', left);
		const size_t n = amp ? (size_t)(amp - form) : left;

		if (n && ++pairs > GW_CRM_PAIRS_MAX)
			err = refuse(why, "the form has too many fields");
		else if (n)
			err = read_pair(root, buf, form, n, why);
		form += n + (amp != NULL);
		left -= n + (amp != NULL);
	}
	if (!err)
		err = gw_crm_node_print(json, root);
	if (buf)
		explicit_bzero(buf, len + 1);
	mem_deref(buf);
	mem_deref(root);
	return err;
}
