/* D13: the form of a call and its Twiml are refused with a sentence, or are an order
 * that names two people; the same bytes as Twiml alone, as an Authorization header, as
 * an update and as a callback's event do no harm. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/crm_tree.h"
#include "server/twilio.h"
#include "tests/fuzz/fuzz.h"

static void order(const uint8_t *data, size_t size, const char *first)
{
	struct gw_twilio_fault fault = { .code = NULL };
	struct gw_json_doc *doc = NULL;
	const int err = gw_twilio_order(&doc, data, size, first, &fault);

	ENSURE(!err || err == EBADMSG);
	ENSURE(!err == (doc != NULL));
	ENSURE(!err || (fault.code && fault.text[0]));
	if (doc) {
		const struct gw_json *root = gw_json_root(doc);

		ENSURE(gw_json_string(gw_json_get(root, "to")));
		ENSURE(gw_json_string(gw_json_get(root, "from")));
		ENSURE(gw_json_string(gw_json_find(root, "/caller_id/number")));
	}
	mem_deref(doc);
}

static void twiml(const uint8_t *data, size_t size)
{
	struct gw_twilio_fault fault = { .code = NULL };
	char why[GW_CRM_WHY_SIZE];
	struct gw_json_doc *doc = NULL;
	struct gw_twiml said;

	if (gw_crm_tree(&doc, GW_CRM_XML, data, size, why))
		return;
	if (gw_twiml_read(&said, gw_json_root(doc), &fault))
		ENSURE(fault.code && fault.text[0]);
	else
		ENSURE(said.dial[0]);
	mem_deref(doc);
}

static void error(const uint8_t *data, size_t size)
{
	struct gw_twilio_fault fault = { .code = NULL };
	enum gw_twilio_wish wish;
	struct gw_json_doc *doc = NULL;
	struct mbuf *mb = mbuf_alloc(64);
	struct gw_twilio_error e = { .status = 400, .request_id = "r" };

	ENSURE(mb);
	if (gw_twilio_wish(&wish, data, size, &fault)) {
		e.code = fault.code;
		e.message = fault.text;
		ENSURE(!gw_twilio_print_error(mb, &e));
		/* whatever was sent, what is told of it is JSON */
		ENSURE(!gw_json_parse(&doc, (const char *)mb->buf, mb->end, 0,
				      NULL));
	}
	mem_deref(doc);
	mem_deref(mb);
}

static void event(const char *text, size_t size)
{
	struct gw_json_doc *doc = NULL;
	struct mbuf *form = mbuf_alloc(64), *fields;

	ENSURE(form);
	if (!gw_json_parse(&doc, text, size, 0, NULL) &&
	    !gw_twilio_callback(form, gw_json_root(doc), NULL)) {
		fields = gw_twilio_fields((const char *)form->buf, form->end);
		ENSURE(fields);
		mem_deref(fields);
	}
	mem_deref(doc);
	mem_deref(form);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gw_twilio_basic basic;
	char id[GW_CALL_ID_SIZE], sid[GW_TWILIO_SID_SIZE];
	char *text = mem_zalloc(size + 1, NULL);

	ENSURE(text);
	if (size)
		memcpy(text, data, size);
	order(data, size, NULL);
	order(data, size, "853");
	twiml(data, size);
	error(data, size);
	event(text, size);
	if (gw_twilio_basic_read(&basic, text))
		ENSURE(basic.account && basic.key);
	if (gw_twilio_call_id(id, text)) {
		gw_twilio_call_sid(sid, id);
		ENSURE(!strcmp(sid, text));
	}
	mem_deref(text);
	return 0;
}
