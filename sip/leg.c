/* sip/leg.c - one party: INVITE session + media port + SDP.
 *
 *   gw_leg_start --> way of the line --> media port --> INVITE --> 18x --> 2xx
 *                    (DNS, NAT)         (port known)    \
 *                                                        +--> next proxy, when
 *                                                             nobody answered
 *
 * Each arrow is a later turn of the loop; gw_leg_end() may come between any two.
 * The sound is set up by the first SDP that fits: of a 183, of the 2xx, or of
 * the far side's re-INVITE. */
#include <errno.h>
#include <string.h>
#include <sys/time.h>

#include <re.h>

#include "sip/identity.h"
#include "sip/leg.h"
#include "sip/line.h"
#include "sip/sdp.h"
#include "sip/session.h"
#include "sip/stack.h"

enum {
	LAST_WORDS_MS = 200,  /* patience with the media thread */
	NEXT_PROXY_MS = 4000, /* without any answer, where there is another */
};

struct gw_leg {
	enum gw_role role;
	enum gw_leg_state state;
	const struct gw_call_order *order;
	struct gw_media *media;
	gw_leg_news_h *newsh;
	gw_leg_wire_h *wireh;
	void *arg;

	struct gw_line_way_req *way;
	struct gw_session *session;
	struct gw_stack_tap *tap;
	char *call_id;        /* of the last session: outlives it */
	struct mbuf *headers; /* until the INVITE is out */
	struct gw_media_port *port;
	struct gw_sdp_local local;
	char address[64]; /* local.address */
	struct tmr ring;  /* ring_timeout, then last words */
	struct tmr next_proxy;
	uint32_t tries;

	bool told_started;
	bool has_sound; /* an SDP of theirs has been applied */
	bool private_address;
	const char *sdp_fault;
	char *they_speak;
	struct sa rtp, rtcp; /* of the far side */
	struct gw_media_codec codec;
	char codec_name[32];

	int64_t ringing_at_ms, answered_at_ms, ended_at_ms;
	enum gw_cause intent;
	bool answer_was_useless; /* a 2xx that we could do nothing with */
	struct gw_outcome outcome;
	struct gw_session_facts facts; /* once the session is released */
	struct gw_media_stats quality;
	bool has_quality;
};

static const char *const state_names[GW_LEG_STATE_COUNT] = {
	[GW_LEG_NEW] = "new",
	[GW_LEG_DIALING] = "dialing",
	[GW_LEG_PROCEEDING] = "proceeding",
	[GW_LEG_RINGING] = "ringing",
	[GW_LEG_EARLY] = "early",
	[GW_LEG_ANSWERED] = "answered",
	[GW_LEG_CONFIRMING] = "confirming",
	[GW_LEG_HELD] = "held",
	[GW_LEG_REMOTE_HELD] = "remote_held",
	[GW_LEG_ENDING] = "ending",
	[GW_LEG_ENDED] = "ended",
};

static void dial(struct gw_leg *leg);
static void go_down(struct gw_leg *leg);

const char *gw_leg_state_name(enum gw_leg_state state)
{
	return (unsigned)state < GW_LEG_STATE_COUNT ? state_names[state] : NULL;
}

static int64_t now_ms(void)
{
	struct timeval now;

	(void)gettimeofday(&now, NULL);
	return (int64_t)now.tv_sec * 1000 + now.tv_usec / 1000;
}

static void tell(struct gw_leg *leg, enum gw_leg_news_type type)
{
	const struct gw_leg_news news = { .type = type };

	leg->newsh(leg, &news, leg->arg);
}

static void tell_started(struct gw_leg *leg)
{
	if (leg->told_started)
		return;

	leg->told_started = true;
	tell(leg, GW_LEG_NEWS_STARTED);
}

static bool is_over(const struct gw_leg *leg)
{
	return leg->state >= GW_LEG_ENDING;
}

bool gw_leg_is_up(const struct gw_leg *leg)
{
	return leg->answered_at_ms && !is_over(leg);
}

/* The end ----------------------------------------------------------------- */

/* What the network said, in words of the outcome table. */
static enum gw_cause intent_of_error(int err)
{
	switch (err) {
	case EBADMSG: /* a 2xx without Contact, a response of another dialog */
		return GW_CAUSE_PROTOCOL_ERROR;

	case ENOMEM:
	case EINVAL:
		return GW_CAUSE_INTERNAL_ERROR;

	default:
		return GW_CAUSE_NONE;
	}
}

static void settle_outcome(struct gw_leg *leg)
{
	const struct gw_session_facts *facts = &leg->facts;
	const bool answered = leg->answered_at_ms != 0;
	struct gw_end end = {
		.intent = leg->intent,
		.answered = answered,
		.ringing = facts->ringing,
		.provisional = facts->provisional,
		.sip_code = facts->sip_code,
		.reason_header = facts->reason_header,
		.retry_after = facts->retry_after,
		.err = facts->err,
		.decline_failed = leg->order->decline_failed,
	};

	if (!end.intent && !answered)
		end.intent = intent_of_error(facts->err);
	if (!answered && end.sip_code >= 200 && end.sip_code < 300)
		end.sip_code = 0; /* that answer was none */

	leg->outcome = gw_cause_outcome(&end);
}

static void take_facts(struct gw_leg *leg)
{
	const struct gw_session_facts *facts;

	if (!leg->session)
		return;

	facts = gw_session_facts(leg->session);
	mem_deref(leg->facts.reason_header);
	mem_deref(leg->facts.contact);
	leg->facts = *facts;
	mem_ref(leg->facts.reason_header);
	mem_ref(leg->facts.contact);
}

static void drop_session(struct gw_leg *leg, uint16_t q850, const char *text)
{
	struct gw_session *session = leg->session;

	leg->session = NULL;
	gw_session_release(session, q850, text);
}

static void gone(void *arg)
{
	struct gw_leg *leg = arg;

	tmr_cancel(&leg->ring);
	leg->port = mem_deref(leg->port);
	leg->state = GW_LEG_ENDED;
	leg->ended_at_ms = now_ms();
	tell(leg, GW_LEG_NEWS_GONE);
}

static void go_down(struct gw_leg *leg)
{
	tmr_cancel(&leg->ring);
	tmr_cancel(&leg->next_proxy);
	leg->way = mem_deref(leg->way);
	leg->headers = mem_deref(leg->headers);
	leg->state = GW_LEG_ENDING;

	if (leg->session)
		take_facts(leg);
	settle_outcome(leg);
	drop_session(leg, leg->outcome.q850, gw_cause_name(leg->outcome.cause));
	tell_started(leg);

	if (leg->has_sound && !gw_media_stats(leg->port))
		tmr_start(&leg->ring, LAST_WORDS_MS, gone, leg);
	else
		gone(leg);
}

void gw_leg_end(struct gw_leg *leg, enum gw_cause intent)
{
	if (!leg || is_over(leg))
		return;

	mem_ref(leg);
	leg->intent = intent;
	go_down(leg);
	mem_deref(leg);
}

static void fail_later(void *arg)
{
	struct gw_leg *leg = arg;

	mem_ref(leg);
	go_down(leg);
	mem_deref(leg);
}

/* Ends it with what the system said, but never inside of gw_leg_start(). */
static void fail(struct gw_leg *leg, int err)
{
	drop_session(leg, 0, NULL);
	leg->facts.err = err;
	tmr_start(&leg->ring, 0, fail_later, leg);
}

/* Sound ------------------------------------------------------------------- */

/* A name would have to be asked for; the sound most likely comes from where the
 * signalling does. */
static void place_of(struct sa *sa, const char *address, uint16_t port,
		     const struct sip_msg *msg)
{
	if (sa_set_str(sa, address, port)) {
		*sa = msg->src;
		sa_set_port(sa, port);
	}
}

static int apply_remote(struct gw_leg *leg, struct gw_sdp_remote *remote,
			const struct sip_msg *msg)
{
	int err;

	if (remote->rtp_port) {
		place_of(&leg->rtp, remote->address, remote->rtp_port, msg);
		place_of(&leg->rtcp, remote->rtcp_address, remote->rtcp_port,
			 msg);
		leg->codec = remote->codec;
	} else {
		/* switched off: as it was, but nothing flows */
		remote->dir = GW_MEDIA_INACTIVE;
	}

	/* RFC 3264 8.4: the old way to say hold */
	if (sa_is_any(&leg->rtp))
		remote->dir &= GW_MEDIA_RECVONLY;

	err = gw_media_remote(leg->port, &leg->rtp, &leg->rtcp, &leg->codec,
			      remote->dir);
	if (err)
		return err;

	leg->has_sound = true;
	leg->private_address = remote->private_address;
	(void)re_snprintf(leg->codec_name, sizeof(leg->codec_name), "%s/%u",
			  leg->codec.name, leg->codec.clock_rate);
	return 0;
}

static bool body_of(struct pl *body, const struct sip_msg *msg)
{
	gw_session_body(body, msg);
	return body->l && msg_ctype_cmp(&msg->ctyp, "application", "sdp");
}

static int read_sdp(struct gw_sdp_remote *remote, struct gw_leg *leg,
		    const struct pl *body, bool offer)
{
	int err;

	memset(remote, 0, sizeof(*remote));
	err = gw_sdp_read(remote, body->p, body->l, &leg->local, offer,
			  &leg->sdp_fault);
	if (err == ENOTSUP) {
		leg->they_speak = mem_deref(leg->they_speak);
		(void)str_dup(&leg->they_speak, remote->offered);
	}
	if (!err)
		leg->sdp_fault = NULL;

	return err;
}

static int take_answer(struct gw_leg *leg, const struct sip_msg *msg)
{
	struct gw_sdp_remote remote;
	struct pl body;
	int err;

	if (!body_of(&body, msg)) {
		leg->sdp_fault = "the answer has no SDP";
		return EBADMSG;
	}

	err = read_sdp(&remote, leg, &body, false);
	if (err)
		return err;

	return apply_remote(leg, &remote, msg);
}

/* A 2xx or ACK whose SDP is no use. */
static void end_for_sdp(struct gw_leg *leg, int err)
{
	gw_leg_end(leg, err == ENOTSUP ? GW_CAUSE_NO_COMMON_CODEC :
			err == EBADMSG ? GW_CAUSE_PROTOCOL_ERROR :
					 GW_CAUSE_INTERNAL_ERROR);
}

/* Held: the far side doesn't want to hear us. */
static void follow_hold(struct gw_leg *leg, enum gw_media_direction dir)
{
	bool held = !(dir & GW_MEDIA_SENDONLY);

	if (held && leg->state == GW_LEG_ANSWERED) {
		leg->state = GW_LEG_REMOTE_HELD;
		tell(leg, GW_LEG_NEWS_HELD);
	} else if (!held && leg->state == GW_LEG_REMOTE_HELD) {
		leg->state = GW_LEG_ANSWERED;
		tell(leg, GW_LEG_NEWS_UNHELD);
	}
}

/* What the session tells -------------------------------------------------- */

static void on_progress(const struct sip_msg *msg, void *arg)
{
	struct gw_leg *leg = arg;
	bool rings = msg->scode >= 180 && msg->scode <= 189;
	struct pl body;

	mem_ref(leg);
	tmr_cancel(&leg->next_proxy);
	if (leg->state == GW_LEG_DIALING)
		leg->state = GW_LEG_PROCEEDING;

	if (rings && !leg->ringing_at_ms) {
		leg->ringing_at_ms = now_ms();
		leg->state = GW_LEG_RINGING;
		tell(leg, GW_LEG_NEWS_RINGING);
	}

	/* an SDP that is no use may be followed by a better one */
	if (!is_over(leg) && body_of(&body, msg) && !take_answer(leg, msg) &&
	    leg->state != GW_LEG_EARLY) {
		leg->state = GW_LEG_EARLY;
		tell(leg, GW_LEG_NEWS_EARLY);
	}

	mem_deref(leg);
}

static void on_answered(const struct sip_msg *msg, void *arg)
{
	struct gw_leg *leg = arg;
	struct pl body;
	int err = 0;

	tmr_cancel(&leg->ring);
	tmr_cancel(&leg->next_proxy);

	/* many leave the SDP out that their 183 had */
	if (!leg->has_sound || body_of(&body, msg))
		err = take_answer(leg, msg);
	if (err) {
		end_for_sdp(leg, err);
		return;
	}

	leg->answered_at_ms = now_ms();
	leg->state = GW_LEG_ANSWERED;
	tell(leg, GW_LEG_NEWS_UP);
}

static int make_offer(struct mbuf **bodyp, struct gw_leg *leg)
{
	struct mbuf *mb;
	int err;

	mb = mbuf_alloc(512);
	if (!mb)
		return ENOMEM;

	leg->local.dir = GW_MEDIA_SENDRECV;
	++leg->local.version;
	err = gw_sdp_offer(mb, &leg->local);
	if (err)
		mem_deref(mb);
	else
		*bodyp = mb;
	return err;
}

static int on_offered(struct mbuf **bodyp, const struct sip_msg *msg, void *arg)
{
	struct gw_leg *leg = arg;
	struct gw_sdp_remote remote;
	struct mbuf *mb;
	struct pl body;
	int err;

	if (!body_of(&body, msg))
		return body.l ? EBADMSG : make_offer(bodyp, leg);

	err = read_sdp(&remote, leg, &body, true);
	if (err)
		return err;

	mb = mbuf_alloc(512);
	if (!mb)
		return ENOMEM;

	err = apply_remote(leg, &remote, msg);
	if (err)
		goto out;

	leg->local.dir = remote.dir;
	++leg->local.version;
	err = gw_sdp_answer(mb, &leg->local, body.p, body.l, &remote);
	if (err)
		goto out;

	*bodyp = mem_ref(mb);
	follow_hold(leg, remote.dir);

out:
	mem_deref(mb);
	return err;
}

static void on_agreed(const struct sip_msg *ack, void *arg)
{
	struct gw_leg *leg = arg;
	struct gw_sdp_remote remote;
	struct pl body;
	int err = EBADMSG;

	if (body_of(&body, ack))
		err = read_sdp(&remote, leg, &body, false);
	if (!err)
		err = apply_remote(leg, &remote, ack);
	if (err) {
		end_for_sdp(leg, err);
		return;
	}

	leg->local.dir = remote.dir;
	follow_hold(leg, remote.dir);
}

static void on_digit(char digit, uint32_t duration_ms, void *arg)
{
	const struct gw_leg_news news = { GW_LEG_NEWS_DIGIT, digit,
					  duration_ms };
	struct gw_leg *leg = arg;

	leg->newsh(leg, &news, leg->arg);
}

static void on_closed(void *arg);

static const struct gw_session_h session_handlers = {
	.progress = on_progress,
	.answered = on_answered,
	.offered = on_offered,
	.agreed = on_agreed,
	.digit = on_digit,
	.closed = on_closed,
};

/* Another proxy ----------------------------------------------------------- */

/* Before anything rang, and not for ever. */
static bool try_next_proxy(struct gw_leg *leg, uint32_t retry_after_s)
{
	const struct gw_line_cfg *cfg = gw_line_cfg(leg->order->line);

	if (leg->ringing_at_ms || leg->tries >= cfg->proxy_count ||
	    !gw_line_way_lost(leg->order->line, retry_after_s))
		return false;

	tmr_cancel(&leg->ring);
	tmr_cancel(&leg->next_proxy);
	drop_session(leg, 0, NULL);
	leg->port = mem_deref(leg->port);
	leg->has_sound = false;
	leg->state = GW_LEG_DIALING;
	dial(leg);
	return true;
}

static void next_proxy_timer(void *arg)
{
	(void)try_next_proxy(arg, 0);
}

static void on_closed(void *arg)
{
	struct gw_leg *leg = arg;
	const struct gw_session_facts *facts = gw_session_facts(leg->session);
	bool lost = facts->err ? !facts->provisional : facts->sip_code == 503;

	mem_ref(leg);
	if (facts->hung_up || !lost ||
	    !try_next_proxy(leg, facts->retry_after_s))
		go_down(leg);
	mem_deref(leg);
}

/* What the media thread tells --------------------------------------------- */

static void ring_timeout(void *arg)
{
	gw_leg_end(arg, GW_CAUSE_RING_TIMEOUT);
}

static void send_invite(struct gw_leg *leg, uint16_t rtp_port)
{
	struct mbuf *offer = NULL;
	int err;

	leg->local.rtp_port = rtp_port;
	err = make_offer(&offer, leg);
	if (!err)
		err = gw_session_invite(leg->session, leg->headers, offer);
	mem_deref(offer);
	leg->headers = mem_deref(leg->headers);
	if (err) {
		fail(leg, err);
		return;
	}

	tmr_start(&leg->ring, (uint64_t)leg->order->ring_timeout_s * 1000,
		  ring_timeout, leg);
	if (gw_line_cfg(leg->order->line)->proxy_count > 1)
		tmr_start(&leg->next_proxy, NEXT_PROXY_MS, next_proxy_timer,
			  leg);
	tell_started(leg);
}

static void on_stats(struct gw_leg *leg, const struct gw_media_stats *stats)
{
	leg->quality = *stats;
	leg->has_quality = true;
	if (leg->state == GW_LEG_ENDING)
		gone(leg);
}

static void on_fact(const struct gw_media_fact *fact, void *arg)
{
	struct gw_leg *leg = arg;

	mem_ref(leg);

	switch (fact->type) {
	case GW_MEDIA_OPENED:
		if (is_over(leg))
			break;
		if (fact->err)
			gw_leg_end(leg, GW_CAUSE_CAPACITY);
		else
			send_invite(leg, fact->local_port);
		break;

	case GW_MEDIA_DTMF:
		if (gw_leg_is_up(leg))
			on_digit(fact->digit, fact->duration_ms, leg);
		break;

	case GW_MEDIA_PLAY_ENDED:
		if (gw_leg_is_up(leg))
			tell(leg, GW_LEG_NEWS_PLAYED);
		break;

	case GW_MEDIA_STALLED:
		if (gw_leg_is_up(leg))
			tell(leg, GW_LEG_NEWS_STALLED);
		break;

	case GW_MEDIA_STATS:
		on_stats(leg, &fact->stats);
		break;

	default:
		break;
	}

	mem_deref(leg);
}

int gw_leg_play(struct gw_leg *leg, const struct gw_sound *sound)
{
	return gw_leg_is_up(leg) ? gw_media_play(leg->port, sound) : ENOTCONN;
}

/* Dialling ---------------------------------------------------------------- */

static int write_headers(struct mbuf *mb, struct gw_identity *id,
			 const struct gw_leg *leg, const char *aor)
{
	const struct gw_call_order *order = leg->order;
	const struct gw_line_cfg *cfg = gw_line_cfg(order->line);
	const struct gw_identity_wish wish = {
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
		.auto_answer = !order->auto_answer ? NULL :
			       cfg->auto_answer    ? cfg->auto_answer :
						     "all",
	};
	int err;

	err = gw_identity_make(id, mb, &wish);
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
	leg->local.address = leg->address;
	leg->local.ipv6 = af == AF_INET6;
}

static int make_session(struct gw_leg *leg, const struct gw_line_way *way)
{
	struct gw_identity id;
	const struct gw_session_cfg cfg = {
		.line = leg->order->line,
		.way = way,
		.to_uri = leg->order->to,
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

	err = gw_session_alloc(&leg->session, &cfg, &session_handlers, leg);
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
	if (!err)
		err = make_session(leg, way);
	if (!err) {
		choose_address(&bind, leg, way);
		err = gw_media_open(&leg->port, leg->media, &bind, on_fact,
				    leg);
	}
	if (err) {
		leg->facts.err = err;
		drop_session(leg, 0, NULL);
		go_down(leg);
	}
	mem_deref(leg);
}

static void dial(struct gw_leg *leg)
{
	int err;

	++leg->tries;
	err = gw_line_way(&leg->way, leg->order->line, leg->order->to,
			  way_ready, leg);
	if (err)
		fail(leg, err);
}

void gw_leg_start(struct gw_leg *leg)
{
	leg->state = GW_LEG_DIALING;
	dial(leg);
}

/* Facts ------------------------------------------------------------------- */

static const struct gw_session_facts *facts_of(const struct gw_leg *leg)
{
	return leg->session ? gw_session_facts(leg->session) : &leg->facts;
}

enum gw_leg_state gw_leg_state(const struct gw_leg *leg)
{
	return leg->state;
}

static enum gw_status status_of(const struct gw_leg *leg)
{
	if (leg->state == GW_LEG_ENDED)
		return leg->outcome.status;
	if (leg->answered_at_ms)
		return GW_STATUS_IN_PROGRESS;

	return leg->ringing_at_ms ? GW_STATUS_RINGING : GW_STATUS_QUEUED;
}

void gw_leg_info(const struct gw_leg *leg, struct gw_leg_info *info)
{
	const struct gw_session_facts *facts = facts_of(leg);

	*info = (struct gw_leg_info){
		.role = leg->role,
		.state = leg->state,
		.status = status_of(leg),
		.uri = leg->order->to,
		.sip_call_id = leg->call_id,
		.codec = leg->codec_name[0] ? leg->codec_name : NULL,
		.ringing_at_ms = leg->ringing_at_ms,
		.answered_at_ms = leg->answered_at_ms,
		.ended_at_ms = leg->ended_at_ms,
		.sip_code = facts->sip_code,
		.sip_reason = facts->sip_code ? facts->sip_reason : NULL,
		.reason_header = facts->reason_header,
		.quality = leg->quality,
		.has_quality = leg->has_quality,
	};
	if (leg->state == GW_LEG_ENDED)
		info->outcome = leg->outcome;
}

void gw_leg_clues(const struct gw_leg *leg, struct gw_leg_clues *clues)
{
	const struct gw_session_facts *facts = facts_of(leg);

	*clues = (struct gw_leg_clues){
		.provisional = facts->provisional,
		.challenged = facts->sip_code == 401 || facts->sip_code == 407,
		.they_speak = leg->they_speak,
		.sdp_fault = leg->sdp_fault,
		.redirected_to = facts->contact,
		.private_address = leg->private_address,
		.err = facts->err,
	};
}

int gw_leg_dialog_print(struct mbuf *mb, const struct gw_leg *leg)
{
	return gw_session_print(mb, leg->session);
}

static void destructor(void *data)
{
	struct gw_leg *leg = data;

	tmr_cancel(&leg->ring);
	tmr_cancel(&leg->next_proxy);
	mem_deref(leg->way);
	mem_deref(leg->tap);
	drop_session(leg, 16, "normal_clearing");
	mem_deref(leg->port);
	mem_deref(leg->headers);
	mem_deref(leg->call_id);
	mem_deref(leg->they_speak);
	mem_deref(leg->facts.reason_header);
	mem_deref(leg->facts.contact);
}

int gw_leg_alloc(struct gw_leg **legp, const struct gw_leg_cfg *cfg)
{
	const struct gw_line_cfg *line;
	struct gw_leg *leg;

	if (!legp || !cfg || !cfg->order || !cfg->newsh)
		return EINVAL;

	leg = mem_zalloc(sizeof(*leg), destructor);
	if (!leg)
		return ENOMEM;

	line = gw_line_cfg(cfg->order->line);
	leg->role = cfg->role;
	leg->order = cfg->order;
	leg->media = cfg->media;
	leg->newsh = cfg->newsh;
	leg->wireh = cfg->wireh;
	leg->arg = cfg->arg;
	leg->local.session_id = rand_u32();
	leg->local.codecs = line->codecs;
	leg->local.codec_count = line->codec_count;

	*legp = leg;
	return 0;
}
