/* sip/leg_dial.c - from an order to its INVITE: the way, the identity, the port,
 * and the next proxy when one is dead. */
#include "sip/leg_impl.h"

#include <errno.h>

#include "sip/identity.h"
#include "sip/line.h"
#include "sip/stack.h"

enum {
	NEXT_PROXY_MS = 4000, /* without any answer, where there is another */
	EXPIRES_AFTER_S = 5,  /* the ring_timeout */
};

/* Who is rung first wants to see whom he will talk to: the number as it was
 * asked for, else the user part of what is dialled. It is shown as the name: the
 * URI in From stays the line's own, or a registrar takes us for an impostor; the
 * number stands in the header where the line puts numbers, if that is another. */
static int show_to(struct gw_identity_wish *wish, char *number, size_t size,
		   const struct gw_call_order *order)
{
	struct uri uri;
	struct pl text;

	pl_set_str(&text, order->to);
	if (order->to_number)
		str_ncpy(number, order->to_number, size);
	else if (uri_decode(&uri, &text) || !pl_isset(&uri.user) ||
		 re_snprintf(number, size, "%H", uri_user_unescape,
			     &uri.user) <= 0)
		return ENOENT;

	wish->name = number;
	wish->number = wish->header && str_casecmp(wish->header, "from") ?
			       number :
			       NULL;
	wish->withheld = false;
	return 0;
}

static int make_identity(struct gw_identity *id, struct mbuf *mb,
			 const struct gw_leg *leg,
			 const struct gw_identity_wish *caller)
{
	struct gw_identity_wish to = *caller;
	char number[GW_DISPLAY_NAME_MAX + 1];
	int err;

	if (leg->shows_to &&
	    !show_to(&to, number, sizeof(number), leg->order)) {
		err = gw_identity_make(id, mb, &to);
		if (err != EINVAL && err != EOVERFLOW)
			return err;

		/* a number that can't be shown: who calls can be */
		mbuf_rewind(mb);
	}

	return gw_identity_make(id, mb, caller);
}

static int write_headers(struct mbuf *mb, struct gw_identity *id,
			 const struct gw_leg *leg, const char *aor)
{
	const struct gw_call_order *order = leg->order;
	const struct gw_line_cfg *cfg = gw_line_cfg(leg->line);
	const struct gw_identity_wish caller = {
		.aor = aor,
		.number = order->caller_number ? order->caller_number :
						 cfg->caller_number,
		.name = order->caller_name ? order->caller_name :
			cfg->caller_name   ? cfg->caller_name :
					     cfg->display_name,
		.withheld = order->caller_privacy >= 0 ?
				    order->caller_privacy != 0 :
				    cfg->caller_privacy,
		.header = cfg->identity_header,
		.auto_answer = !leg->auto_answer ? NULL :
			       cfg->auto_answer  ? cfg->auto_answer :
						   "all",
	};
	int err;

	err = make_identity(id, mb, leg, &caller);
	/* RFC 3261 13.3.1: whom we can't tell any more stops ringing by himself;
	 * as long as we can, our CANCEL comes first */
	err |= mbuf_printf(mb, "Expires: %u\r\n",
			   order->ring_timeout_s + EXPIRES_AFTER_S);
	for (size_t i = 0; i < order->header_count; i++)
		err |= mbuf_printf(mb, "%s: %s\r\n", order->headers[i].name,
				   order->headers[i].value);

	return err;
}

/* Where RTP is bound, and what the SDP says about it. */
static void choose_address(struct sa *bind, struct gw_leg *leg,
			   const struct gw_line_way *way)
{
	const char *advertise = leg->order->media_advertise ?
					leg->order->media_advertise :
					way->advertise;
	const int af = sa_af(way->laddr);
	struct sa told;

	if (!leg->order->media_listen ||
	    sa_set_str(bind, leg->order->media_listen, 0) || sa_af(bind) != af)
		*bind = *way->laddr;

	if (!advertise || sa_set_str(&told, advertise, 0) || sa_af(&told) != af)
		told = sa_is_any(bind) ? *way->laddr : *bind;

	(void)re_snprintf(leg->address, sizeof(leg->address), "%j", &told);
	(void)re_snprintf(leg->bound, sizeof(leg->bound), "%j",
			  sa_is_any(bind) ? way->laddr : bind);
	leg->local.address = leg->address;
	leg->local.ipv6 = af == AF_INET6;
}

static int make_session(struct gw_leg *leg, const struct gw_line_way *way)
{
	struct gw_identity id;
	const struct gw_session_cfg cfg = {
		.line = leg->line,
		.way = way,
		.to_uri = leg->uri,
		.from_uri = id.from_uri,
		.from_name = id.from_name,
	};
	int err;

	mem_deref(leg->headers);
	leg->headers = mbuf_alloc(128);
	if (!leg->headers)
		return ENOMEM;

	err = write_headers(leg->headers, &id, leg, way->aor);
	if (err)
		return err;

	err = gw_session_alloc(&leg->session, &cfg, &gw_leg_session_handlers,
			       leg);
	if (err)
		return err;

	leg->call_id = mem_deref(leg->call_id);
	err = str_dup(&leg->call_id, gw_session_call_id(leg->session));
	if (err || !leg->wireh)
		return err;

	leg->tap = mem_deref(leg->tap);
	return gw_stack_tap(&leg->tap, way->stack, leg->call_id, leg->wireh,
			    leg->arg);
}

static void way_ready(int err, const struct gw_line_way *way, void *arg)
{
	struct gw_leg *leg = arg;
	struct sa bind;

	mem_ref(leg);
	leg->way = NULL;
	if (!err && way->target != GW_LINE_FOREIGN &&
	    gw_line_excluded_s(leg->line))
		err = EBUSY;
	if (!err) {
		leg->target = way->target;
		err = make_session(leg, way);
	}
	if (!err) {
		choose_address(&bind, leg, way);
		err = gw_media_open(&leg->port, leg->media, &bind,
				    gw_leg_on_fact, leg);
	}
	if (err) {
		leg->facts.err = err;
		gw_leg_drop_session(leg, 0, NULL);
		gw_leg_go_down(leg);
	}
	mem_deref(leg);
}

static void dial(struct gw_leg *leg)
{
	int err;

	++leg->tries;
	err = gw_line_way(&leg->way, leg->line, leg->uri, way_ready, leg);
	if (err)
		gw_leg_fail(leg, err);
}

void gw_leg_start(struct gw_leg *leg)
{
	if (leg->browser) {
		gw_leg_start_browser(leg);
		return;
	}

	leg->state = GW_LEG_DIALING;
	dial(leg);
}

/* Another proxy ----------------------------------------------------------- */

void gw_leg_dial_again(struct gw_leg *leg)
{
	tmr_cancel(&leg->next_proxy);
	gw_leg_drop_session(leg, 0, NULL);
	leg->port = mem_deref(leg->port);
	leg->has_sound = false;
	leg->state = GW_LEG_DIALING;
	dial(leg);
}

/* Before anything rang, and not for ever. */
bool gw_leg_try_next_proxy(struct gw_leg *leg, uint32_t retry_after_s)
{
	if (leg->ringing_at_ms ||
	    !gw_line_way_lost(leg->line, leg->target, retry_after_s) ||
	    leg->tries >= gw_line_way_count(leg->line))
		return false;

	tmr_cancel(&leg->ring);
	gw_leg_dial_again(leg);
	return true;
}

static void next_proxy_timer(void *arg)
{
	(void)gw_leg_try_next_proxy(arg, 0);
}

/* The INVITE -------------------------------------------------------------- */

static void ring_timeout(void *arg)
{
	gw_leg_end(arg, GW_CAUSE_RING_TIMEOUT);
}

void gw_leg_send_invite(struct gw_leg *leg, uint16_t rtp_port)
{
	struct mbuf *offer = NULL;
	int err;

	leg->local.rtp_port = rtp_port;
	err = gw_leg_offer(&offer, leg);
	if (!err)
		err = gw_session_invite(leg->session, leg->headers, offer);
	mem_deref(offer);
	leg->headers = mem_deref(leg->headers);
	if (err) {
		gw_leg_fail(leg, err);
		return;
	}

	/* whoever is sent elsewhere has no more patience for that */
	if (!tmr_isrunning(&leg->ring))
		tmr_start(&leg->ring,
			  (uint64_t)leg->order->ring_timeout_s * 1000,
			  ring_timeout, leg);
	if (gw_line_way_count(leg->line) > 1)
		tmr_start(&leg->next_proxy, NEXT_PROXY_MS, next_proxy_timer,
			  leg);
	gw_leg_tell_started(leg);
}
