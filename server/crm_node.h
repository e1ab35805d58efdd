/* The tree in the making of a form or of XML, for crm_form.c and crm_xml.c: nodes
 * with names, texts and children, printed as JSON in the end. Freed as a whole
 * with its root. */
#ifndef BELLPULL_SERVER_CRM_NODE_H
#define BELLPULL_SERVER_CRM_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include <re.h>

struct gw_crm_node {
	struct le le;
	char *name;
	struct mbuf *text; /* or NULL */
	bool null;
	struct list children; /* in order, one of each name */
	struct list again;    /* further ones of this name and parent */
};

/* A root; mem_deref() frees all of it. NULL: no memory. */
struct gw_crm_node *gw_crm_node_alloc(void);

/* The first child of that name, or NULL. */
struct gw_crm_node *gw_crm_node_find(const struct gw_crm_node *parent,
				     const char *name, size_t len);

/* One more child: beside the first one if the name is there already. The parent
 * owns it. Returns 0, E2BIG (more names than GW_CRM_NAMES_MAX) or ENOMEM. */
int gw_crm_node_add(struct gw_crm_node **nodep, struct gw_crm_node *parent,
		    const char *name, size_t len);

/* Appends to its text. */
int gw_crm_node_write(struct gw_crm_node *node, const char *text, size_t len);

/* The children of root as one JSON object. Children called 0, 1, 2 and so on, in
 * this order, are an array. Returns 0 or ENOMEM. */
int gw_crm_node_print(struct mbuf *json, const struct gw_crm_node *root);

#endif
