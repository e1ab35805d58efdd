/* What CRMs want to be told of a call instead of our events: a body in their words,
 * from an event's JSON. Pure. */
#ifndef BELLPULL_SERVER_WEBHOOK_TEMPLATE_H
#define BELLPULL_SERVER_WEBHOOK_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

struct mbuf;

/* As the words of the setting `format`. */
enum gw_webhook_format {
	GW_WEBHOOK_STANDARD,
	GW_WEBHOOK_ZOHO,     /* PhoneBridge callnotify            */
	GW_WEBHOOK_BITRIX24, /* telephony.externalcall.finish     */
	GW_WEBHOOK_HUBSPOT,  /* an engagement of a call           */
	GW_WEBHOOK_PIPEDRIVE /* callLogs                          */
};

/* Whether an event of this type becomes a body at all. */
bool gw_webhook_template_has(enum gw_webhook_format format, const char *type);

/* Appends the body of an event of such a type (not for STANDARD). Returns 0,
 * EBADMSG (it is no event of a call) or ENOMEM. */
int gw_webhook_template(struct mbuf *mb, enum gw_webhook_format format,
			const char *json, size_t len);

#endif
