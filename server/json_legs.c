/* The members of POST /calls that speak of two people: who is rung first, what
 * each of them hears, how they are joined. See json.h. */
#include "server/json_impl.h"

#include <string.h>

#include "sip/address.h"

/* What a browser brings is an object; phones are dialled by a string. */
static void from_member(struct gw_json_reader *r, const char *name,
			const struct gw_json *v)
{
	(void)v;
	if (!strcmp(name, "webrtc"))
		GW_WRONG(r, "is not available in this version");
	else
		GW_WRONG(r, "is not a member of from; a phone is dialled by a "
			    "string: a number or a sip: URI");
}

void gw_json_order_from(struct gw_json_reader *r, const struct gw_json *v)
{
	if (gw_json_type(v) == GW_JSON_OBJECT && gw_json_first(v))
		gw_json_read_members(r, v, from_member);
	else
		r->order->from = gw_json_sip_text(
			r, gw_json_read_text(r, v, GW_URI_MAX));
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
	if (o->confirm_leg == GW_ROLE_ANY)
		o->confirm_leg = o->first;
	if (o->announce_leg == GW_ROLE_ANY)
		o->announce_leg = o->from ? (int)o->first : GW_ROLE_TO;
}
