/* The members of POST /calls that speak of two people: who is rung first, what
 * each of them hears, how they are joined. See json.h. */
#include "server/json_impl.h"

#include <string.h>

#include "sip/address.h"
#include "sip/browser.h"
#include "sip/sdp_browser.h"

/* What a browser brings is an object; phones are dialled by a string. */
static void webrtc_member(struct gw_json_reader *r, const char *name,
			  const struct gw_json *v)
{
	if (!strcmp(name, "sdp"))
		r->order->webrtc = gw_json_read_text(r, v, GW_SDP_BROWSER_MAX);
	else
		GW_WRONG(r, "is not a member of webrtc (sdp)");
}

static void party_member(struct gw_json_reader *r, const char *name,
			 const struct gw_json *v)
{
	const size_t before = r->faults->count;

	if (strcmp(name, "webrtc") != 0) {
		GW_WRONG(r,
			 "is not a member of %s; a phone is dialled by a "
			 "string: a number or a sip: URI",
			 gw_role_name((int)r->party));
		return;
	}
	if (r->order->webrtc) {
		GW_WRONG(r, "can't be as well: one of the two may be a "
			    "browser, the other one is a phone");
		return;
	}

	gw_json_read_members(r, v, webrtc_member);
	r->order->webrtc_role = r->party;
	if (!r->order->webrtc && r->faults->count == before)
		GW_WRONG(r, "needs sdp: the offer of the browser");
}

static const char *read_party(struct gw_json_reader *r, enum gw_role role,
			      const struct gw_json *v)
{
	const size_t before = r->faults->count;

	if (gw_json_type(v) != GW_JSON_OBJECT || !gw_json_first(v))
		return gw_json_sip_text(r, gw_json_read_text(r, v, GW_URI_MAX));

	r->party = role;
	gw_json_read_members(r, v, party_member);
	return r->faults->count == before ? GW_BROWSER_URI : NULL;
}

void gw_json_order_to(struct gw_json_reader *r, const struct gw_json *v)
{
	r->order->to = read_party(r, GW_ROLE_TO, v);
}

void gw_json_order_from(struct gw_json_reader *r, const struct gw_json *v)
{
	r->order->from = read_party(r, GW_ROLE_FROM, v);
}

void gw_json_order_from_line(struct gw_json_reader *r, const struct gw_json *v)
{
	r->order->from_line = gw_json_sip_text(r, gw_json_read_text(r, v, 64));
}

void gw_json_order_first(struct gw_json_reader *r, const struct gw_json *v)
{
	int role = r->order->first;

	gw_json_read_role(r, v, &role);
	r->order->first = (enum gw_role)role;
}

void gw_json_order_show_to_from(struct gw_json_reader *r,
				const struct gw_json *v)
{
	static const char *const words[] = { "to", "caller_id", NULL };

	r->order->show_caller_id_to_from = gw_json_read_word(r, v, words) == 1;
}

/* Confirm and announce ------------------------------------------------------ */

void gw_json_confirm_member(struct gw_json_reader *r, const char *name,
			    const struct gw_json *v)
{
	const char *digit;

	r->order->has_confirm = true;
	if (!strcmp(name, "leg")) {
		gw_json_read_role(r, v, &r->order->confirm_leg);
	} else if (!strcmp(name, "digit")) {
		digit = gw_json_read_digits(r, v, "0123456789*#", 1);
		if (digit)
			r->order->confirm_digit = digit[0];
	} else if (!strcmp(name, "timeout")) {
		gw_json_read_seconds(r, v, &r->order->confirm_timeout_s, 1, 60);
	} else {
		GW_WRONG(r, "is not a member of confirm (leg, digit, timeout)");
	}
}

void gw_json_order_confirm(struct gw_json_reader *r, const struct gw_json *v)
{
	r->order->has_confirm = true;
	gw_json_read_members(r, v, gw_json_confirm_member);
}

void gw_json_announce_member(struct gw_json_reader *r, const char *name,
			     const struct gw_json *v)
{
	if (!strcmp(name, "leg"))
		gw_json_read_role(r, v, &r->order->announce_leg);
	else if (!strcmp(name, "play"))
		r->order->announce_play =
			gw_json_sip_text(r, gw_json_read_text(r, v, 128));
	else
		GW_WRONG(r, "is not a member of announce (leg, play)");
}

void gw_json_order_announce(struct gw_json_reader *r, const struct gw_json *v)
{
	const size_t before = r->faults->count;

	gw_json_read_members(r, v, gw_json_announce_member);
	if (!r->order->announce_play && r->faults->count == before)
		GW_WRONG(r,
			 "needs play: the name of a WAV file in media.sounds");
}

/* The others ---------------------------------------------------------------- */

void gw_json_order_ringback(struct gw_json_reader *r, const struct gw_json *v)
{
	const char *text = gw_json_read_text(r, v, 8);

	if (!text)
		return;
	if (strlen(text) == 2 &&
	    strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "abcdefghijklmnopqrstuvwxyz") == 2)
		r->order->ringback = text;
	else
		GW_WRONG(r, "must be a country, two letters: \"de\"");
}

void gw_json_order_join(struct gw_json_reader *r, const struct gw_json *v)
{
	static const char *const words[] = { "auto", "relay", "direct", "refer",
					     NULL };
	static const enum gw_join joins[] = { GW_JOIN_AUTO, GW_JOIN_RELAY,
					      GW_JOIN_DIRECT, GW_JOIN_REFER };
	const int word = gw_json_read_word(r, v, words);

	if (word >= 0)
		r->order->join = joins[word];
}

void gw_json_order_send_digits(struct gw_json_reader *r,
			       const struct gw_json *v)
{
	r->order->send_digits = gw_json_read_digits(r, v, "0123456789*#ABCDwW",
						    GW_SEND_DIGITS_MAX);
}

void gw_json_order_record(struct gw_json_reader *r, const struct gw_json *v)
{
	gw_json_read_bool(r, v, &r->order->record);
}

/* When all has been read ---------------------------------------------------- */

static bool needs_two(const struct gw_order_request *o, size_t i,
		      const char **pointerp)
{
	const struct {
		const char *pointer;
		bool asked;
	} members[] = {
		{ "/from_line", o->from_line != NULL },
		{ "/first", o->first == GW_ROLE_TO },
		{ "/show_to_from", o->show_caller_id_to_from },
		{ "/confirm", o->has_confirm },
		{ "/announce/leg", o->announce_leg == GW_ROLE_FROM },
		{ "/ringback", o->ringback != NULL },
		{ "/join",
		  o->join == GW_JOIN_DIRECT || o->join == GW_JOIN_REFER },
	};

	if (i >= ARRAY_SIZE(members))
		return false;
	*pointerp = members[i].asked ? members[i].pointer : NULL;
	return true;
}

static bool retries(const struct gw_schedule *schedule)
{
	size_t i = 0;

	while (i < GW_RETRY_COUNT && !schedule->retry[i].times)
		i++;
	return i < GW_RETRY_COUNT;
}

/* A browser is there now, and only for one call. */
static void settle_browser(struct gw_json_reader *r)
{
	const struct gw_order_request *o = r->order;
	const struct {
		const char *pointer;
		bool asked;
	} members[] = {
		{ "/not_before", o->schedule.not_before_ms != 0 },
		{ "/expires_at", o->schedule.expires_at_ms != 0 },
		{ "/window", o->schedule.window.given },
		{ "/retry", retries(&o->schedule) },
		{ "/dedupe_seconds", o->dedupe_s != 0 },
	};
	size_t i;

	for (i = 0; o->webrtc && i < ARRAY_SIZE(members); i++)
		if (members[i].asked)
			gw_fault(r->faults, members[i].pointer,
				 "doesn't go with a browser, whose offer is "
				 "for this call and for now");
}

void gw_json_settle_legs(struct gw_json_reader *r)
{
	struct gw_order_request *o = r->order;
	const size_t faults = r->faults->count;
	const char *pointer;
	size_t i;

	/* a from that was refused has its fault already */
	for (i = 0; !o->from && !faults && needs_two(o, i, &pointer); i++)
		if (pointer)
			gw_fault(r->faults, pointer,
				 "needs from: a call without it has one leg "
				 "only, \"to\"");
	settle_browser(r);
	if (o->confirm_leg == GW_ROLE_ANY)
		o->confirm_leg = o->first;
	if (o->announce_leg == GW_ROLE_ANY)
		o->announce_leg = o->from ? (int)o->first : GW_ROLE_TO;
}
