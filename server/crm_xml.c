/* XML by expat, as JSON: see crm_tree.h. A document type ends the reading at its
 * first sign, so there is no entity to blow up and no file to fetch; depth and the
 * number of nodes have limits of their own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>
#include <re.h>

#include "server/crm_node.h"
#include "server/crm_tree.h"

struct reader {
	XML_Parser parser;
	struct gw_crm_node *root;
	struct gw_crm_node *path[GW_CRM_DEPTH_MAX + 1]; /* [0] is root */
	unsigned depth, nodes;
	int err;
	const char *why;
};

static void stop(struct reader *r, int err, const char *why)
{
	if (!r->err) {
		r->err = err == E2BIG ? EBADMSG : err;
		r->why = why;
	}
	(void)XML_StopParser(r->parser, XML_FALSE);
}

/* "sf:Phone" is Phone. */
static const char *local(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? colon + 1 : name;
}

static struct gw_crm_node *add(struct reader *r, struct gw_crm_node *parent,
			       const char *name)
{
	struct gw_crm_node *node = NULL;
	int err = ++r->nodes > GW_CRM_NODES_MAX ? E2BIG : 0;

	if (!err)
		err = gw_crm_node_add(&node, parent, name, strlen(name));
	if (err)
		stop(r, err, "the XML has too many elements");
	return node;
}

static void attribute(struct reader *r, struct gw_crm_node *element,
		      const char *name, const char *value)
{
	struct gw_crm_node *node;
	char at[128];
	int err;

	if (!strcmp(name, "xmlns") || !strncmp(name, "xmlns:", 6))
		return;
	if (!strcmp(name, "xsi:nil")) {
		element->null = !strcmp(value, "true") || !strcmp(value, "1");
		return;
	}
	if (snprintf(at, sizeof(at), "@%s", local(name)) >= (int)sizeof(at)) {
		stop(r, EBADMSG, "an attribute's name is too long");
		return;
	}
	node = add(r, element, at);
	err = node ? gw_crm_node_write(node, value, strlen(value)) : 0;
	if (err)
		stop(r, err, NULL);
}

static void XMLCALL start(void *arg, const char *name, const char **attributes)
{
	struct reader *r = arg;
	struct gw_crm_node *node;

	if (r->err)
		return;
	if (r->depth == GW_CRM_DEPTH_MAX) {
		stop(r, EBADMSG, "the XML is nested too deeply");
		return;
	}
	node = add(r, r->path[r->depth], local(name));
	if (!node)
		return;
	r->path[++r->depth] = node;
	for (; !r->err && attributes[0]; attributes += 2)
		attribute(r, node, attributes[0], attributes[1]);
}

static bool is_blank(const struct mbuf *text)
{
	for (size_t i = 0; text && i < text->end; i++)
		if (!strchr(" \t\r\n", text->buf[i]))
			return false;
	return true;
}

/* Blanks between elements are how it is written, not what it says. */
static void XMLCALL end(void *arg, const char *name)
{
	struct reader *r = arg;
	struct gw_crm_node *node;

	(void)name;
	if (r->err)
		return;
	node = r->path[r->depth--];
	if (list_head(&node->children) && is_blank(node->text))
		node->text = mem_deref(node->text);
}

static void XMLCALL characters(void *arg, const char *text, int len)
{
	struct reader *r = arg;

	if (!r->err && r->depth &&
	    gw_crm_node_write(r->path[r->depth], text, (size_t)len))
		stop(r, ENOMEM, NULL);
}

static void XMLCALL doctype(void *arg, const char *name, const char *system,
			    const char *public, int has_internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)has_internal;
	stop(arg, EBADMSG, "XML with a document type is not read");
}

/* the line an error stands in: expat 2.9 has a wider name for it and warns of
 * the old one */
static unsigned long long line_of(XML_Parser parser)
{
#if XML_MAJOR_VERSION > 2 || XML_MINOR_VERSION >= 9
	return XML_GetCurrentLineNumber64(parser);
#else
	return XML_GetCurrentLineNumber(parser);
#endif
}

static int parse(struct reader *r, const char *xml, size_t len,
		 char why[GW_CRM_WHY_SIZE])
{
	const enum XML_Status status =
		XML_Parse(r->parser, xml, (int)len, XML_TRUE);
	const enum XML_Error code = XML_GetErrorCode(r->parser);

	if (!r->err && status != XML_STATUS_OK)
		r->err = code == XML_ERROR_NO_MEMORY ? ENOMEM : EBADMSG;
	if (r->err == EBADMSG)
		(void)snprintf(why, GW_CRM_WHY_SIZE, "%s, in line %llu",
			       r->why ? r->why : XML_ErrorString(code),
			       line_of(r->parser));
	return r->err;
}

int gw_crm_xml_to_json(struct mbuf *json, const char *xml, size_t len,
		       char why[GW_CRM_WHY_SIZE])
{
	/* named here, so that a test's failing allocations reach expat, too */
	static const XML_Memory_Handling_Suite ours = { malloc, realloc, free };
	struct reader r = { .root = gw_crm_node_alloc() };
	int err = ENOMEM;

	r.path[0] = r.root;
	r.parser = XML_ParserCreate_MM(NULL, &ours, NULL);
	if (r.root && r.parser && len <= INT32_MAX) {
		XML_SetUserData(r.parser, &r);
		XML_SetElementHandler(r.parser, start, end);
		XML_SetCharacterDataHandler(r.parser, characters);
		XML_SetStartDoctypeDeclHandler(r.parser, doctype);
		err = parse(&r, xml, len, why);
	}
	if (!err)
		err = gw_crm_node_print(json, r.root);
	if (r.parser)
		XML_ParserFree(r.parser);
	mem_deref(r.root);
	return err;
}
