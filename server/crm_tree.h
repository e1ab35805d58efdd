/* What a CRM sends, as one strict tree: JSON as it is, a form with its bracket keys
 * and XML turned into JSON and read by the same reader. So mapping knows one kind
 * of pointer, and whatever strictness the reader has, all three have.
 *
 *   form   a[b]=1&a[c]=2          {"a":{"b":"1","c":"2"}}
 *          a[]=1&a[]=2, a=1&a=2   {"a":["1","2"]}; so are a[0], a[1] in order
 *   XML    <e id="7"><n>x</n></e> {"e":{"@id":"7","n":"x"}}, without namespaces;
 *          repeated elements are an array, text beside others is "#text",
 *          xsi:nil is null. No document types, and so no entities of one's own.
 *
 * Pure: no socket, no clock, any thread. */
#ifndef BELLPULL_SERVER_CRM_TREE_H
#define BELLPULL_SERVER_CRM_TREE_H

#include <stddef.h>
#include <stdint.h>

struct gw_json_doc;
struct mbuf;

enum {
	GW_CRM_PAIRS_MAX = 200, /* of a form */
	GW_CRM_DEPTH_MAX = 32,
	GW_CRM_NODES_MAX = 16384, /* elements and attributes of XML */
	GW_CRM_NAMES_MAX = 256,   /* different ones inside one element */
	GW_CRM_WHY_SIZE = 192,
};

enum gw_crm_kind {
	GW_CRM_JSON,
	GW_CRM_FORM,
	GW_CRM_XML,
	GW_CRM_OTHER, /* nothing that is read here */
};

/* By Content-Type (NULL: none); where it says nothing, or calls JSON a form as
 * curl -d does, by the first byte. */
enum gw_crm_kind gw_crm_kind(const char *content_type, const uint8_t *body,
			     size_t len);

/* On success *docp carries one reference, the caller's. An empty body is {}.
 * Returns 0, EBADMSG (why[] is a sentence for people) or ENOMEM. */
int gw_crm_tree(struct gw_json_doc **docp, enum gw_crm_kind kind,
		const uint8_t *body, size_t len, char why[GW_CRM_WHY_SIZE]);

/* The two that make JSON text (crm_form.c, crm_xml.c); the same errors. What they
 * write may still be refused by the reader: UTF-8 is its matter. */
int gw_crm_form_to_json(struct mbuf *json, const char *form, size_t len,
			char why[GW_CRM_WHY_SIZE]);
int gw_crm_xml_to_json(struct mbuf *json, const char *xml, size_t len,
		       char why[GW_CRM_WHY_SIZE]);

#endif
