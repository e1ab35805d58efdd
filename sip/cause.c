/* Why a call or a leg ended.
 *
 * Four tables, one for each source of knowledge, asked in this order:
 *
 *   our own intent  ->  Reason header  ->  SIP code  ->  transport's error
 *
 * The tables are the outcome table of docs/outcomes.md, row by row; the unit test
 * holds them against it. Nothing here remembers anything. */
#include "sip/cause.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const char *const status_names[] = {
	[GW_STATUS_QUEUED] = "queued",
	[GW_STATUS_RINGING] = "ringing",
	[GW_STATUS_IN_PROGRESS] = "in-progress",
	[GW_STATUS_COMPLETED] = "completed",
	[GW_STATUS_BUSY] = "busy",
	[GW_STATUS_FAILED] = "failed",
	[GW_STATUS_NO_ANSWER] = "no-answer",
	[GW_STATUS_CANCELED] = "canceled",
};

/* One row for each cause: its name, and what it means when it is our own
 * intent. An answered leg is completed unless the intent says that the answer
 * was worth nothing (no sound possible, nobody confirmed). */
static const struct intent {
	const char *name;
	enum gw_status status;
	uint16_t q850;
	bool spoils_answer;
} intents[GW_CAUSE_COUNT] = {
	/* clang-format off */
	[GW_CAUSE_NONE]                  = { NULL,                    GW_STATUS_FAILED,    0,   false },
	[GW_CAUSE_NORMAL_CLEARING]       = { "normal_clearing",       GW_STATUS_COMPLETED, 16,  false },
	[GW_CAUSE_TIME_LIMIT]            = { "time_limit",            GW_STATUS_COMPLETED, 16,  false },
	[GW_CAUSE_MEDIA_TIMEOUT]         = { "media_timeout",         GW_STATUS_COMPLETED, 31,  false },
	[GW_CAUSE_REDIRECTED]            = { "redirected",            GW_STATUS_FAILED,    23,  false },
	[GW_CAUSE_PROTOCOL_ERROR]        = { "protocol_error",        GW_STATUS_FAILED,    111, false },
	[GW_CAUSE_PAYMENT_REQUIRED]      = { "payment_required",      GW_STATUS_FAILED,    21,  false },
	[GW_CAUSE_AUTH_FAILED]           = { "auth_failed",           GW_STATUS_FAILED,    21,  false },
	[GW_CAUSE_NOT_ALLOWED]           = { "not_allowed",           GW_STATUS_FAILED,    21,  false },
	[GW_CAUSE_NOT_FOUND]             = { "not_found",             GW_STATUS_FAILED,    1,   false },
	[GW_CAUSE_UNAVAILABLE]           = { "unavailable",           GW_STATUS_NO_ANSWER, 20,  false },
	[GW_CAUSE_NO_ANSWER]             = { "no_answer",             GW_STATUS_NO_ANSWER, 19,  false },
	[GW_CAUSE_TRANSPORT_TIMEOUT]     = { "transport_timeout",     GW_STATUS_FAILED,    102, false },
	[GW_CAUSE_RING_TIMEOUT]          = { "ring_timeout",          GW_STATUS_NO_ANSWER, 19,  false },
	[GW_CAUSE_CANCELED_BY_API]       = { "canceled_by_api",       GW_STATUS_CANCELED,  16,  false },
	[GW_CAUSE_CANCELED_BY_FIRST_LEG] = { "canceled_by_first_leg", GW_STATUS_CANCELED,  16,  false },
	[GW_CAUSE_NUMBER_CHANGED]        = { "number_changed",        GW_STATUS_FAILED,    22,  false },
	[GW_CAUSE_INVALID_NUMBER]        = { "invalid_number",        GW_STATUS_FAILED,    28,  false },
	[GW_CAUSE_BUSY]                  = { "busy",                  GW_STATUS_BUSY,      17,  false },
	[GW_CAUSE_NO_COMMON_CODEC]       = { "no_common_codec",       GW_STATUS_FAILED,    88,  true  },
	[GW_CAUSE_ROUTE_UNAVAILABLE]     = { "route_unavailable",     GW_STATUS_FAILED,    41,  false },
	[GW_CAUSE_CONGESTION]            = { "congestion",            GW_STATUS_FAILED,    42,  false },
	[GW_CAUSE_REJECTED]              = { "rejected",              GW_STATUS_BUSY,      21,  false },
	[GW_CAUSE_DNS_ERROR]             = { "dns_error",             GW_STATUS_FAILED,    38,  false },
	[GW_CAUSE_NETWORK_ERROR]         = { "network_error",         GW_STATUS_FAILED,    38,  false },
	[GW_CAUSE_TLS_ERROR]             = { "tls_error",             GW_STATUS_FAILED,    38,  false },
	[GW_CAUSE_LINE_NOT_REGISTERED]   = { "line_not_registered",   GW_STATUS_FAILED,    27,  false },
	[GW_CAUSE_SETUP_DEADLINE]        = { "setup_deadline",        GW_STATUS_FAILED,    102, false },
	[GW_CAUSE_CONFIRM_FAILED]        = { "confirm_failed",        GW_STATUS_NO_ANSWER, 19,  true  },
	[GW_CAUSE_SERVER_SHUTDOWN]       = { "server_shutdown",       GW_STATUS_FAILED,    41,  false },
	[GW_CAUSE_SERVER_RESTART]        = { "server_restart",        GW_STATUS_FAILED,    41,  false },
	[GW_CAUSE_NODE_LOST]             = { "node_lost",             GW_STATUS_FAILED,    41,  false },
	[GW_CAUSE_CAPACITY]              = { "capacity",              GW_STATUS_FAILED,    34,  true  },
	[GW_CAUSE_ICE_FAILED]            = { "ice_failed",            GW_STATUS_FAILED,    88,  true  },
	[GW_CAUSE_EXPIRED]               = { "expired",               GW_STATUS_CANCELED,  16,  false },
	[GW_CAUSE_TRANSFERRED]           = { "transferred",           GW_STATUS_COMPLETED, 16,  false },
	[GW_CAUSE_POLICY_DENIED]         = { "policy_denied",         GW_STATUS_FAILED,    21,  false },
	[GW_CAUSE_INTERNAL_ERROR]        = { "internal_error",        GW_STATUS_FAILED,    41,  false },
	/* clang-format on */
};

/* SIP codes and Q.850 values share the shape of their rows; a row stands for
 * all codes from first to last. */
struct row {
	uint16_t first, last;
	enum gw_status status;
	enum gw_cause cause;
	uint16_t q850;
};

/* The first row that fits is taken: single codes, then the classes. */
static const struct row sip_rows[] = {
	/* clang-format off */
	{ 300, 399, GW_STATUS_FAILED,    GW_CAUSE_REDIRECTED,        23  },
	{ 401, 401, GW_STATUS_FAILED,    GW_CAUSE_AUTH_FAILED,       21  },
	{ 402, 402, GW_STATUS_FAILED,    GW_CAUSE_PAYMENT_REQUIRED,  21  },
	{ 403, 403, GW_STATUS_FAILED,    GW_CAUSE_NOT_ALLOWED,       21  },
	{ 404, 404, GW_STATUS_FAILED,    GW_CAUSE_NOT_FOUND,         1   },
	{ 407, 407, GW_STATUS_FAILED,    GW_CAUSE_AUTH_FAILED,       21  },
	{ 408, 408, GW_STATUS_NO_ANSWER, GW_CAUSE_UNAVAILABLE,       18  },
	{ 410, 410, GW_STATUS_FAILED,    GW_CAUSE_NUMBER_CHANGED,    22  },
	{ 415, 415, GW_STATUS_FAILED,    GW_CAUSE_NO_COMMON_CODEC,   88  },
	{ 424, 424, GW_STATUS_FAILED,    GW_CAUSE_NOT_ALLOWED,       21  },
	{ 428, 428, GW_STATUS_FAILED,    GW_CAUSE_NOT_ALLOWED,       21  },
	{ 430, 430, GW_STATUS_NO_ANSWER, GW_CAUSE_UNAVAILABLE,       20  },
	{ 436, 438, GW_STATUS_FAILED,    GW_CAUSE_NOT_ALLOWED,       21  },
	{ 480, 480, GW_STATUS_NO_ANSWER, GW_CAUSE_UNAVAILABLE,       20  },
	{ 484, 485, GW_STATUS_FAILED,    GW_CAUSE_INVALID_NUMBER,    28  },
	{ 486, 486, GW_STATUS_BUSY,      GW_CAUSE_BUSY,              17  },
	{ 487, 487, GW_STATUS_NO_ANSWER, GW_CAUSE_NO_ANSWER,         19  },
	{ 488, 488, GW_STATUS_FAILED,    GW_CAUSE_NO_COMMON_CODEC,   88  },
	{ 500, 500, GW_STATUS_FAILED,    GW_CAUSE_ROUTE_UNAVAILABLE, 41  },
	{ 501, 501, GW_STATUS_FAILED,    GW_CAUSE_PROTOCOL_ERROR,    111 },
	{ 502, 502, GW_STATUS_FAILED,    GW_CAUSE_ROUTE_UNAVAILABLE, 38  },
	{ 503, 503, GW_STATUS_FAILED,    GW_CAUSE_ROUTE_UNAVAILABLE, 42  },
	{ 504, 504, GW_STATUS_FAILED,    GW_CAUSE_ROUTE_UNAVAILABLE, 102 },
	{ 505, 505, GW_STATUS_FAILED,    GW_CAUSE_PROTOCOL_ERROR,    111 },
	{ 513, 513, GW_STATUS_FAILED,    GW_CAUSE_PROTOCOL_ERROR,    111 },
	{ 580, 580, GW_STATUS_FAILED,    GW_CAUSE_PROTOCOL_ERROR,    111 },
	{ 600, 600, GW_STATUS_BUSY,      GW_CAUSE_BUSY,              17  },
	{ 604, 604, GW_STATUS_FAILED,    GW_CAUSE_NOT_FOUND,         1   },
	{ 606, 606, GW_STATUS_FAILED,    GW_CAUSE_NO_COMMON_CODEC,   88  },
	{ 400, 499, GW_STATUS_FAILED,    GW_CAUSE_PROTOCOL_ERROR,    111 },
	{ 500, 599, GW_STATUS_FAILED,    GW_CAUSE_ROUTE_UNAVAILABLE, 41  },
	{ 600, 699, GW_STATUS_BUSY,      GW_CAUSE_REJECTED,          21  },
	/* clang-format on */
};

/* The way back of RFC 3398 8.2.6.1, in the words of the API. The q850 column
 * is not needed: the value itself is told. */
static const struct row q850_rows[] = {
	/* clang-format off */
	{ 1,   3,   GW_STATUS_FAILED,    GW_CAUSE_NOT_FOUND,         0 },
	{ 17,  17,  GW_STATUS_BUSY,      GW_CAUSE_BUSY,              0 },
	{ 18,  18,  GW_STATUS_NO_ANSWER, GW_CAUSE_UNAVAILABLE,       0 },
	{ 19,  19,  GW_STATUS_NO_ANSWER, GW_CAUSE_NO_ANSWER,         0 },
	{ 20,  20,  GW_STATUS_NO_ANSWER, GW_CAUSE_UNAVAILABLE,       0 },
	{ 21,  21,  GW_STATUS_BUSY,      GW_CAUSE_REJECTED,          0 },
	{ 22,  22,  GW_STATUS_FAILED,    GW_CAUSE_NUMBER_CHANGED,    0 },
	{ 23,  23,  GW_STATUS_FAILED,    GW_CAUSE_REDIRECTED,        0 },
	{ 26,  26,  GW_STATUS_FAILED,    GW_CAUSE_NOT_FOUND,         0 },
	{ 27,  27,  GW_STATUS_FAILED,    GW_CAUSE_ROUTE_UNAVAILABLE, 0 },
	{ 28,  28,  GW_STATUS_FAILED,    GW_CAUSE_INVALID_NUMBER,    0 },
	{ 29,  29,  GW_STATUS_FAILED,    GW_CAUSE_PROTOCOL_ERROR,    0 },
	{ 34,  34,  GW_STATUS_FAILED,    GW_CAUSE_CONGESTION,        0 },
	{ 38,  41,  GW_STATUS_FAILED,    GW_CAUSE_ROUTE_UNAVAILABLE, 0 },
	{ 42,  47,  GW_STATUS_FAILED,    GW_CAUSE_CONGESTION,        0 },
	{ 50,  57,  GW_STATUS_FAILED,    GW_CAUSE_NOT_ALLOWED,       0 },
	{ 58,  63,  GW_STATUS_FAILED,    GW_CAUSE_ROUTE_UNAVAILABLE, 0 },
	{ 65,  65,  GW_STATUS_FAILED,    GW_CAUSE_NO_COMMON_CODEC,   0 },
	{ 66,  69,  GW_STATUS_FAILED,    GW_CAUSE_PROTOCOL_ERROR,    0 },
	{ 70,  70,  GW_STATUS_FAILED,    GW_CAUSE_NO_COMMON_CODEC,   0 },
	{ 79,  86,  GW_STATUS_FAILED,    GW_CAUSE_PROTOCOL_ERROR,    0 },
	{ 87,  87,  GW_STATUS_FAILED,    GW_CAUSE_NOT_ALLOWED,       0 },
	{ 88,  88,  GW_STATUS_FAILED,    GW_CAUSE_NO_COMMON_CODEC,   0 },
	{ 90,  101, GW_STATUS_FAILED,    GW_CAUSE_PROTOCOL_ERROR,    0 },
	{ 102, 102, GW_STATUS_FAILED,    GW_CAUSE_ROUTE_UNAVAILABLE, 0 },
	{ 103, 111, GW_STATUS_FAILED,    GW_CAUSE_PROTOCOL_ERROR,    0 },
	{ 127, 127, GW_STATUS_FAILED,    GW_CAUSE_ROUTE_UNAVAILABLE, 0 },
	/* clang-format on */
};

/* What the system or libre says when no answer came at all. */
static const struct {
	int err;
	enum gw_cause cause;
} err_rows[] = {
	{ ETIMEDOUT, GW_CAUSE_TRANSPORT_TIMEOUT },
	{ EDESTADDRREQ, GW_CAUSE_DNS_ERROR },
	{ ENOENT, GW_CAUSE_DNS_ERROR },
	{ EPROTO, GW_CAUSE_TLS_ERROR },
	{ ENOMEM, GW_CAUSE_INTERNAL_ERROR },
	{ EINVAL, GW_CAUSE_INTERNAL_ERROR },
	{ EMFILE, GW_CAUSE_CAPACITY },
	{ ENFILE, GW_CAUSE_CAPACITY },
	{ EADDRINUSE, GW_CAUSE_CAPACITY },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct row *find_row(const struct row *rows, size_t count,
				  uint16_t code)
{
	for (size_t i = 0; i < count; i++) {
		if (code >= rows[i].first && code <= rows[i].last)
			return &rows[i];
	}

	return NULL;
}

static const struct row *sip_row(uint16_t code)
{
	return find_row(sip_rows, COUNT(sip_rows), code);
}

/* The intent is one of ours, or a cause that stands for an error of ours. */
static struct gw_outcome by_intent(enum gw_cause cause, bool answered)
{
	const struct intent *in = &intents[cause];
	struct gw_outcome out = { in->status, cause, in->q850 };

	if (!answered || in->spoils_answer)
		return out;

	out.status = GW_STATUS_COMPLETED;
	if (in->status == GW_STATUS_CANCELED) {
		/* a hang-up of an answered call is no cancellation */
		out.cause = GW_CAUSE_NORMAL_CLEARING;
		out.q850 = 16;
	}

	return out;
}

static struct gw_outcome by_code(const struct gw_end *end, uint16_t code)
{
	const struct row *row = sip_row(code);
	struct gw_outcome out = { row->status, row->cause, row->q850 };

	if (code == 480 && end->ringing) {
		out.cause = GW_CAUSE_NO_ANSWER;
		out.q850 = 19;
	} else if (code == 503 && end->retry_after) {
		out.cause = GW_CAUSE_CONGESTION;
	}

	return out;
}

static struct gw_outcome by_error(const struct gw_end *end)
{
	/* no error and no code: the leg vanished, and that is our own fault */
	enum gw_cause cause = end->err ? GW_CAUSE_NETWORK_ERROR :
					 GW_CAUSE_INTERNAL_ERROR;

	for (size_t i = 0; i < COUNT(err_rows); i++) {
		if (err_rows[i].err == end->err && end->err)
			cause = err_rows[i].cause;
	}

	return by_intent(cause, false);
}

/* The far side's own words, without an intent of ours and before an answer. */
static struct gw_outcome by_far_side(const struct gw_end *end)
{
	const struct gw_reason reason = gw_cause_reason(end->reason_header);
	const struct row *told;
	struct gw_outcome out;

	if (end->sip_code >= 300 && sip_row(end->sip_code))
		out = by_code(end, end->sip_code);
	else
		out = by_error(end);

	if (reason.q850 && reason.q850 != out.q850) {
		told = find_row(q850_rows, COUNT(q850_rows), reason.q850);
		if (told) {
			out.status = told->status;
			out.cause = told->cause;
		}
		out.q850 = reason.q850;
	} else if (!reason.q850 && reason.sip) {
		out = by_code(end, reason.sip);
	}

	return out;
}

static struct gw_outcome by_hangup(const struct gw_end *end)
{
	const struct gw_reason reason = gw_cause_reason(end->reason_header);
	struct gw_outcome out = by_intent(GW_CAUSE_NORMAL_CLEARING, true);

	if (reason.q850)
		out.q850 = reason.q850;

	return out;
}

struct gw_outcome gw_cause_outcome(const struct gw_end *end)
{
	const bool ours = end->intent > GW_CAUSE_NONE &&
			  end->intent < GW_CAUSE_COUNT;
	const bool answered = end->answered ||
			      (end->sip_code >= 200 && end->sip_code < 300);
	struct gw_outcome out;

	if (ours && end->intent == GW_CAUSE_RING_TIMEOUT && !answered &&
	    !end->provisional && !end->ringing && !end->sip_code) {
		/* nobody was there to let it ring */
		out = by_intent(GW_CAUSE_TRANSPORT_TIMEOUT, false);
	} else if (ours) {
		out = by_intent(end->intent, answered);
	} else if (answered) {
		out = by_hangup(end);
	} else {
		out = by_far_side(end);
	}

	if (out.cause == GW_CAUSE_REJECTED && end->decline_failed &&
	    out.status == GW_STATUS_BUSY)
		out.status = GW_STATUS_FAILED;

	return out;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *skip_space(const char *p)
{
	while (is_space(*p))
		p++;

	return p;
}

/* To the next of the stop characters or the end, over quoted strings. */
static const char *skip_to(const char *p, const char *stops)
{
	bool quoted = false;

	for (; *p; p++) {
		if (quoted && *p == '\\' && p[1])
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && strchr(stops, *p))
			break;
	}

	return p;
}

/* True when the token at p, up to len, is word; letter case doesn't matter. */
static bool is_token(const char *p, size_t len, const char *word)
{
	while (len && is_space(p[len - 1]))
		len--;

	return len == strlen(word) && !strncasecmp(p, word, len);
}

/* `cause = 16` at p: its value, 0 when it isn't one of at most three digits. */
static uint16_t cause_param(const char *p)
{
	const char *equals = skip_to(p, "=;,");
	unsigned value = 0;
	int digits = 0;

	if (*equals != '=' || !is_token(p, (size_t)(equals - p), "cause"))
		return 0;

	for (p = skip_space(equals + 1); *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (unsigned)(*p - '0');
		if (++digits > 3)
			return 0;
	}

	p = skip_space(p);

	return *p && *p != ';' && *p != ',' ? 0 : (uint16_t)value;
}

/* One reason-value: `protocol *(;param)`. Returns where it ends. */
static const char *read_value(struct gw_reason *reason, const char *p)
{
	const char *name = p = skip_space(p);
	size_t name_len;
	uint16_t cause = 0;

	p = skip_to(p, ";,");
	name_len = (size_t)(p - name);

	while (*p == ';') {
		p = skip_space(p + 1);
		if (!cause)
			cause = cause_param(p);
		p = skip_to(p, ";,");
	}

	if (is_token(name, name_len, "Q.850") && cause <= 127) {
		if (!reason->q850)
			reason->q850 = cause;
	} else if (is_token(name, name_len, "SIP") && cause >= 300 &&
		   cause <= 699) {
		if (!reason->sip)
			reason->sip = cause;
	}

	return p;
}

struct gw_reason gw_cause_reason(const char *value)
{
	struct gw_reason reason = { 0, 0 };

	if (!value)
		return reason;

	for (;;) {
		value = read_value(&reason, value);
		if (*value != ',')
			return reason;
		value++;
	}
}

const char *gw_status_name(enum gw_status status)
{
	if ((size_t)status >= COUNT(status_names))
		return "failed";

	return status_names[status];
}

const char *gw_cause_name(enum gw_cause cause)
{
	if ((size_t)cause >= COUNT(intents))
		return intents[GW_CAUSE_INTERNAL_ERROR].name;

	return intents[cause].name;
}

bool gw_status_final(enum gw_status status)
{
	return status >= GW_STATUS_COMPLETED;
}

bool gw_status_parse(enum gw_status *statusp, const char *name)
{
	for (size_t i = 0; i < COUNT(status_names); i++) {
		if (name && !strcmp(status_names[i], name)) {
			*statusp = (enum gw_status)i;
			return true;
		}
	}

	return false;
}
