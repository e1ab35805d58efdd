/* sip/diagnosis.c - why a call ended, for people.
 *
 * A table: the first row whose cause and condition fit gives the sentence. Rows
 * without a writer of their own quote what the far side said. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "sip/diagnosis.h"

typedef int(sentence_h)(char *out, size_t size,
			const struct gw_diagnosis_facts *f);

static const char *role_name(const struct gw_diagnosis_facts *f)
{
	return f->role == GW_ROLE_FROM ? "from" : "to";
}

static int no_sound(char *out, size_t size, const struct gw_diagnosis_facts *f)
{
	if (!f->answered || !f->no_sound_came)
		return -1;

	return re_snprintf(
		out, size, "%s",
		f->clues.private_address ?
			"The SDP address of the far side is private and no RTP "
			"came back: there is a NAT between that nobody "
			"traverses." :
			"The call was answered, but no RTP came back: a "
			"firewall, or SDP with the wrong address.");
}

static int auth(char *out, size_t size, const struct gw_diagnosis_facts *f)
{
	if ((f->sip_code == 401 || f->sip_code == 407) && !f->clues.challenged)
		return re_snprintf(
			out, size,
			"The server of line %s wants a login (%u %s) but does "
			"not say how: its answer has no challenge.",
			f->line, f->sip_code,
			f->sip_reason ? f->sip_reason : "");

	return re_snprintf(
		out, size,
		"The password of user %s (line %s) was refused twice, or the "
		"server asked for a login that cannot be given (%u %s).",
		f->user, f->line, f->sip_code,
		f->sip_reason ? f->sip_reason : "");
}

static int print_codecs(struct re_printf *pf, void *arg)
{
	const struct gw_diagnosis_facts *f = arg;
	int err = 0;

	for (size_t i = 0; i < f->codec_count && !err; i++) {
		if (0 != strcmp(f->codecs[i], "telephone-event"))
			err = re_hprintf(pf, "%s%s", i ? ", " : "",
					 f->codecs[i]);
	}

	return err;
}

static int codec(char *out, size_t size, const struct gw_diagnosis_facts *f)
{
	if (f->clues.they_speak && f->clues.they_speak[0])
		return re_snprintf(
			out, size,
			"No common codec: we offered %H, they speak %s.",
			print_codecs, f, f->clues.they_speak);

	if (f->sip_code >= 300)
		return re_snprintf(out, size,
				   "No common codec: we offered %H, they said "
				   "%u %s.",
				   print_codecs, f, f->sip_code,
				   f->sip_reason ? f->sip_reason : "");

	if (f->clues.sdp_fault)
		return re_snprintf(out, size,
				   "The far side answered, but the stream was "
				   "refused: %s.",
				   f->clues.sdp_fault);

	return re_snprintf(out, size,
			   "No common codec: we offered %H, they took none.",
			   print_codecs, f);
}

static int silence(char *out, size_t size, const struct gw_diagnosis_facts *f)
{
	if (f->answered)
		return re_snprintf(out, size,
				   "The call was up, but then nobody was there "
				   "any more at %s: the server did not answer, "
				   "or it had forgotten the call.",
				   f->uri);

	return re_snprintf(out, size,
			   "Nobody answered our INVITE to %s at all: wrong "
			   "address, a firewall, or the server is down.",
			   f->uri);
}

static int ring(char *out, size_t size, const struct gw_diagnosis_facts *f)
{
	const char *plural = f->ring_timeout_s == 1 ? "" : "s";

	if (!f->rang)
		return re_snprintf(out, size,
				   "For %u second%s the far side said only "
				   "that it was trying (%u %s): nothing rang.",
				   f->ring_timeout_s, plural, f->sip_code,
				   f->sip_reason ? f->sip_reason : "");

	return re_snprintf(out, size,
			   "It rang for %u second%s and nobody picked up.",
			   f->ring_timeout_s, plural);
}

static int dns(char *out, size_t size, const struct gw_diagnosis_facts *f)
{
	return re_snprintf(out, size,
			   "The name in %s, or of the line's server, has no "
			   "address in the DNS.",
			   f->uri);
}

static int tls(char *out, size_t size, const struct gw_diagnosis_facts *f)
{
	return re_snprintf(out, size,
			   "TLS with the server of line %s failed: its "
			   "certificate is not trusted, not for that name, or "
			   "it speaks no TLS 1.2.",
			   f->line);
}

static int network(char *out, size_t size, const struct gw_diagnosis_facts *f)
{
	char why[128];

	if (f->clues.err == EADDRINUSE)
		return re_snprintf(out, size,
				   "The local SIP port of line %s is taken by "
				   "another program: free it, or change "
				   "sip.listen.",
				   f->line);

	return re_snprintf(out, size, "The network said: %s.",
			   str_error(f->clues.err, why, sizeof(why)));
}

static int redirected(char *out, size_t size,
		      const struct gw_diagnosis_facts *f)
{
	return re_snprintf(
		out, size,
		"The far side sends us elsewhere (%u %s), to %s; "
		"%s.",
		f->sip_code, f->sip_reason ? f->sip_reason : "",
		f->clues.redirected_to ? f->clues.redirected_to : "no address",
		f->clues.redirect_fault ? f->clues.redirect_fault :
					  "redirections are not followed");
}

static int protocol(char *out, size_t size, const struct gw_diagnosis_facts *f)
{
	if (f->sip_code >= 300)
		return -1;

	return re_snprintf(out, size,
			   "The far side answered, but not as SIP wants it: "
			   "%s.",
			   f->clues.sdp_fault ? f->clues.sdp_fault :
						"the message was malformed");
}

static int line_down(char *out, size_t size, const struct gw_diagnosis_facts *f)
{
	return re_snprintf(out, size,
			   "Line %s was not registered; see its last answer "
			   "under /lines/%s.",
			   f->line, f->line);
}

static int capacity(char *out, size_t size, const struct gw_diagnosis_facts *f)
{
	return re_snprintf(out, size,
			   "Line %s has no free call, or no RTP port was left.",
			   f->line);
}

static int deadline(char *out, size_t size, const struct gw_diagnosis_facts *f)
{
	if (f->two_legs)
		return re_snprintf(out, size,
				   "setup_deadline passed before the %s phone "
				   "(%s) was up.",
				   role_name(f), f->uri);

	return re_snprintf(out, size,
			   "setup_deadline passed before the call was up.");
}

static int unconfirmed(char *out, size_t size,
		       const struct gw_diagnosis_facts *f)
{
	return re_snprintf(
		out, size,
		"The %s phone answered, but nobody pressed %c within "
		"%u seconds: a voicemail, or a phone that sends no "
		"digits.",
		role_name(f), f->confirm_digit, f->confirm_timeout_s);
}

static int first_left(char *out, size_t size,
		      const struct gw_diagnosis_facts *f)
{
	return re_snprintf(out, size,
			   "The %s phone hung up before the other one had "
			   "answered.",
			   role_name(f));
}

/* Of two legs: with one, the far side has said so itself. */
static int left_before_bridge(char *out, size_t size,
			      const struct gw_diagnosis_facts *f)
{
	if (!f->two_legs || !f->answered)
		return -1;

	return re_snprintf(out, size,
			   "The %s phone answered and hung up while it was "
			   "played an announcement.",
			   role_name(f));
}

static const struct {
	enum gw_cause cause;
	sentence_h *h;
} rows[] = {
	{ GW_CAUSE_NORMAL_CLEARING, no_sound },
	{ GW_CAUSE_TIME_LIMIT, no_sound },
	{ GW_CAUSE_MEDIA_TIMEOUT, no_sound },
	{ GW_CAUSE_AUTH_FAILED, auth },
	{ GW_CAUSE_NO_COMMON_CODEC, codec },
	{ GW_CAUSE_TRANSPORT_TIMEOUT, silence },
	{ GW_CAUSE_RING_TIMEOUT, ring },
	{ GW_CAUSE_DNS_ERROR, dns },
	{ GW_CAUSE_TLS_ERROR, tls },
	{ GW_CAUSE_NETWORK_ERROR, network },
	{ GW_CAUSE_REDIRECTED, redirected },
	{ GW_CAUSE_PROTOCOL_ERROR, protocol },
	{ GW_CAUSE_LINE_NOT_REGISTERED, line_down },
	{ GW_CAUSE_CAPACITY, capacity },
	{ GW_CAUSE_SETUP_DEADLINE, deadline },
	{ GW_CAUSE_CONFIRM_FAILED, unconfirmed },
	{ GW_CAUSE_CANCELED_BY_FIRST_LEG, first_left },
	{ GW_CAUSE_NO_ANSWER, left_before_bridge },
};

static int quote(char *out, size_t size, const struct gw_diagnosis_facts *f)
{
	if (f->answered || f->sip_code < 300)
		return -1;

	return re_snprintf(out, size, "The far side said: %u %s%s%s%s.",
			   f->sip_code, f->sip_reason ? f->sip_reason : "",
			   f->reason_header ? " (" : "",
			   f->reason_header ? f->reason_header : "",
			   f->reason_header ? ")" : "");
}

/* Of two phones, which one. */
static size_t write_who(char *out, size_t size,
			const struct gw_diagnosis_facts *f)
{
	static const enum gw_cause says_itself[] = {
		GW_CAUSE_CONFIRM_FAILED,
		GW_CAUSE_CANCELED_BY_FIRST_LEG,
		GW_CAUSE_LINE_NOT_REGISTERED,
		GW_CAUSE_SETUP_DEADLINE,
	};
	int len;

	for (size_t i = 0; i < ARRAY_SIZE(says_itself); i++) {
		if (f->outcome.cause == says_itself[i])
			return 0;
	}
	if (!f->two_legs)
		return 0;

	len = re_snprintf(out, size, "The %s phone (%s): ", role_name(f),
			  f->uri);
	return len > 0 ? (size_t)len : 0;
}

const char *gw_diagnosis(char *out, size_t size,
			 const struct gw_diagnosis_facts *facts)
{
	const size_t who = write_who(out, size, facts);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].cause == facts->outcome.cause &&
		    rows[i].h(out + who, size - who, facts) >= 0)
			return out;
	}

	return quote(out + who, size - who, facts) >= 0 ? out : NULL;
}
