/* Orders and commands, as JSON or out of a form: what is taken lies within its bounds,
 * and what goes into SIP has no control characters. The first byte says which. */
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "server/http_inside.h"
#include "server/json.h"
#include "tests/fuzz/fuzz.h"

static void check_text(const char *text)
{
	for (; text && *text; text++)
		ENSURE((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void try_order(const struct gw_json *body, bool form)
{
	static const char *const list[] = { "X-*" };
	static const struct gw_config_strings patterns = {
		.list = (void *)(uintptr_t)list, .count = 1
	};
	static struct gw_faults faults;
	static struct gw_order_request order;

	memset(&faults, 0, sizeof(faults));
	memset(&order, 0, sizeof(order));
	if (gw_json_read_order(&order, body, form, &patterns, &faults)) {
		ENSURE(faults.count);
		return;
	}
	ENSURE(order.to && *order.to);
	ENSURE(order.ring_timeout_s >= 1 && order.ring_timeout_s <= 300);
	ENSURE(order.time_limit_s >= 1 && order.time_limit_s <= 86400);
	ENSURE(order.header_count <= GW_ORDER_HEADERS_MAX);
	check_text(order.to);
	check_text(order.from);
	check_text(order.caller_name);
	check_text(order.caller_number);
	for (size_t i = 0; i < order.header_count; i++) {
		check_text(order.headers[i].name);
		check_text(order.headers[i].value);
		ENSURE(!strncasecmp(order.headers[i].name, "X-", 2));
	}
}

static void try_command(const struct gw_json *body, bool form, unsigned kind)
{
	static struct gw_faults faults;
	struct gw_command command;

	memset(&faults, 0, sizeof(faults));
	memset(&command, 0, sizeof(command));
	if (gw_json_read_command(
		    &command,
		    (enum gw_command_kind)(kind % (GW_COMMAND_RECORD + 1)),
		    body, form, &faults))
		ENSURE(faults.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *json = NULL;
	struct gw_json_doc *doc = NULL;
	const char *text, *why;
	bool form;

	if (!size)
		return 0;
	text = (const char *)data + 1;
	size--;
	form = data[0] & 1;
	if (form) {
		json = mbuf_alloc(64);
		ENSURE(json);
		if (gw_http_form_to_json(json, text, size, &why))
			goto out;
		text = (const char *)json->buf;
		size = json->end;
	}
	if (gw_json_parse(&doc, text, size, GW_JSON_EXACT, NULL))
		goto out;
	if (data[0] & 2)
		try_order(gw_json_root(doc), form);
	else
		try_command(gw_json_root(doc), form, data[0] >> 2);
out:
	mem_deref(doc);
	mem_deref(json);
	return 0;
}
