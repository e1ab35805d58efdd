/* sip/call_order.c - a call's own copy of its order, and the last look at it. */
#include "sip/call_impl.h"

#include <errno.h>
#include <string.h>

/* All strings of the order in one block: a call has many, and thousands of
 * calls have many calls to malloc. */
static size_t text_len(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

static const char *put(char **p, const char *s)
{
	char *copy = *p;
	size_t len = text_len(s);

	if (!s)
		return NULL;

	memcpy(copy, s, len);
	*p += len;
	return copy;
}

int gw_call_order_copy(struct gw_call *call, const struct gw_call_order *from)
{
	struct gw_call_order *to = &call->order;
	size_t size =
		text_len(from->to) + text_len(from->from) +
		text_len(from->to_number) + text_len(from->ringback) +
		text_len(from->send_digits) + text_len(from->caller_number) +
		text_len(from->caller_name) + text_len(from->media_listen) +
		text_len(from->media_advertise);
	char *p;

	for (size_t i = 0; i < from->header_count; i++)
		size += text_len(from->headers[i].name) +
			text_len(from->headers[i].value);

	p = call->text = mem_alloc(size, NULL);
	if (!p)
		return ENOMEM;

	*to = *from;
	to->browser = mem_ref(from->browser);
	to->to = put(&p, from->to);
	to->from = put(&p, from->from);
	to->to_number = put(&p, from->to_number);
	to->ringback = put(&p, from->ringback);
	to->send_digits = put(&p, from->send_digits);
	to->caller_number = put(&p, from->caller_number);
	to->caller_name = put(&p, from->caller_name);
	to->media_listen = put(&p, from->media_listen);
	to->media_advertise = put(&p, from->media_advertise);
	to->headers = NULL;

	if (from->header_count) {
		call->headers = mem_zalloc(
			from->header_count * sizeof(*call->headers), NULL);
		if (!call->headers)
			return ENOMEM;
		to->headers = call->headers;
	}
	for (size_t i = 0; i < from->header_count; i++) {
		call->headers[i].name = put(&p, from->headers[i].name);
		call->headers[i].value = put(&p, from->headers[i].value);
	}

	return 0;
}

bool gw_call_uri_injects(const char *uri)
{
	return !uri[0] || uri[strcspn(uri, "\r\n<> \"")] != '\0';
}

/* The last guard before the wire: what server/ has checked may not be one more
 * header because somebody forgot to. */
bool gw_call_order_injects(const struct gw_call_order *order)
{
	for (size_t i = 0; i < order->header_count; i++) {
		const struct gw_call_header *header = &order->headers[i];

		if (!header->name || !header->value || !header->name[0] ||
		    header->name[strcspn(header->name, "\r\n: \t")] ||
		    header->value[strcspn(header->value, "\r\n")])
			return true;
	}

	return gw_call_uri_injects(order->to) ||
	       (order->from && gw_call_uri_injects(order->from));
}
