/* The one document that is understood:
 *
 *   <Response><Dial callerId timeout timeLimit record ringTone>
 *     +4930123456   or <Number>+4930123456</Number>   or <Sip>sip:853</Sip>
 *   </Dial><Hangup/></Response>
 *
 * Whatever else stands in it is refused by its name: a call that goes on without
 * what its author has asked for is worse than none. <Hangup/> behind <Dial> says
 * what happens anyway. */
#include "server/twilio.h"

#include <errno.h>
#include <string.h>

#include <re_types.h>

#include "config/json.h"

struct reader {
	struct gw_twiml *twiml;
	struct gw_twilio_fault *fault;
};

#define REFUSE(r, ...)                                    \
	(gw_twilio_fault((r)->fault, "twiml_unsupported", \
			 "Twiml: " __VA_ARGS__),          \
	 EBADMSG)

static bool is_blank(const char *text)
{
	return !text[strspn(text, " \t\r\n")];
}

/* Whom to dial: what stands between the blanks. */
static int take_target(struct reader *r, const struct gw_json *text,
		       const char *element)
{
	const char *from = gw_json_string(text);
	size_t len;

	if (!from || is_blank(from))
		return REFUSE(r, "<%s> says nobody to dial", element);
	if (r->twiml->dial[0])
		return REFUSE(r, "<Dial> takes one to be dialled");
	from += strspn(from, " \t\r\n");
	len = strlen(from);
	while (strchr(" \t\r\n", from[len - 1]))
		len--;
	if (len >= sizeof(r->twiml->dial))
		return REFUSE(r, "<%s> is too long", element);
	memcpy(r->twiml->dial, from, len);
	r->twiml->dial[len] = '\0';
	return 0;
}

static int number_element(struct reader *r, const struct gw_json *v)
{
	return take_target(r, v, "Number");
}

static int sip_element(struct reader *r, const struct gw_json *v)
{
	const int err = take_target(r, v, "Sip");

	if (!err && strncasecmp(r->twiml->dial, "sip:", 4) != 0)
		return REFUSE(r, "<Sip> takes a sip: URI");
	return err;
}

static int own_text(struct reader *r, const struct gw_json *v)
{
	return take_target(r, v, "Dial");
}

static int caller_id(struct reader *r, const struct gw_json *v)
{
	r->twiml->caller_id = gw_json_string(v);
	return 0;
}

static int timeout(struct reader *r, const struct gw_json *v)
{
	r->twiml->timeout = gw_json_string(v);
	return 0;
}

static int time_limit(struct reader *r, const struct gw_json *v)
{
	r->twiml->time_limit = gw_json_string(v);
	return 0;
}

/* Twilio has a word of its own for one country. */
static int ring_tone(struct reader *r, const struct gw_json *v)
{
	const char *tone = gw_json_string(v);

	r->twiml->ring_tone = tone && !strcmp(tone, "uk") ? "gb" : tone;
	return 0;
}

static int record(struct reader *r, const struct gw_json *v)
{
	static const struct {
		const char *word;
		bool on;
	} words[] = {
		{ "do-not-record", false },
		{ "false", false },
		{ "true", true },
		{ "record-from-answer", true },
		{ "record-from-answer-dual", true },
	};
	const char *word = gw_json_string(v);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!word || strcmp(words[i].word, word) != 0)
			continue;
		r->twiml->record = words[i].on;
		return 0;
	}
	return REFUSE(r, "record of <Dial> is record-from-answer, "
			 "record-from-answer-dual or do-not-record");
}

static const struct {
	const char *name; /* @ before those of attributes, as the tree has them */
	int (*read)(struct reader *r, const struct gw_json *v);
} dial_members[] = {
	{ "@callerId", caller_id },   { "@timeout", timeout },
	{ "@timeLimit", time_limit }, { "@record", record },
	{ "@ringTone", ring_tone },   { "Number", number_element },
	{ "Sip", sip_element },       { "#text", own_text },
};

/* Names come from outside: what they are is known by their first sign. */
static int refuse_member(struct reader *r, const char *parent, const char *name)
{
	if (name[0] == '@')
		return REFUSE(r, "<%s> has no attribute %s here", parent,
			      name + 1);
	if (name[0] == '#')
		return REFUSE(r, "text in <%s> means nothing", parent);
	return REFUSE(r,
		      "there is no <%s> here: <Dial> with a number, <Number> "
		      "or <Sip> is all",
		      name);
}

static int dial_member(struct reader *r, const struct gw_json *v)
{
	const char *name = gw_json_name(v);
	const struct gw_json *inner;

	for (size_t i = 0; i < ARRAY_SIZE(dial_members); i++) {
		if (strcmp(dial_members[i].name, name) != 0)
			continue;
		if (gw_json_type(v) == GW_JSON_ARRAY)
			return REFUSE(r, "<Dial> takes one to be dialled");
		inner = gw_json_type(v) == GW_JSON_OBJECT ? gw_json_first(v) :
							    NULL;
		return inner ? refuse_member(r, name, gw_json_name(inner)) :
			       dial_members[i].read(r, v);
	}
	return refuse_member(r, "Dial", name);
}

static int dial(struct reader *r, const struct gw_json *v)
{
	const struct gw_json *m;
	int err = 0;

	if (gw_json_type(v) == GW_JSON_ARRAY)
		return REFUSE(r, "<Dial> may stand there once");
	if (gw_json_type(v) != GW_JSON_OBJECT)
		return own_text(r, v);
	for (m = gw_json_first(v); !err && m; m = gw_json_next(m))
		err = dial_member(r, m);
	if (!err && !r->twiml->dial[0])
		return REFUSE(r, "<Dial> says nobody to dial");
	return err;
}

static int verb(struct reader *r, const struct gw_json *v)
{
	const char *name = gw_json_name(v), *text = gw_json_string(v);

	if (!strcmp(name, "Dial"))
		return dial(r, v);
	if (!strcmp(name, "Hangup") && r->twiml->dial[0] && text && !*text)
		return 0;
	return refuse_member(r, "Response", name);
}

int gw_twiml_read(struct gw_twiml *twiml, const struct gw_json *document,
		  struct gw_twilio_fault *fault)
{
	struct reader r = { .twiml = twiml, .fault = fault };
	const struct gw_json *root = gw_json_first(document), *m;
	int err = 0;

	*twiml = (struct gw_twiml){ .dial = "" };
	if (!root || strcmp(gw_json_name(root), "Response") != 0)
		return REFUSE(&r, "its root has to be <Response>");
	if (gw_json_type(root) == GW_JSON_OBJECT)
		for (m = gw_json_first(root); !err && m; m = gw_json_next(m))
			err = verb(&r, m);
	if (!err && !twiml->dial[0])
		return REFUSE(&r, "<Response> has no <Dial>");
	return err;
}
