/* One call at a simulated callee, from its INVITE to its BYE. What it does is
 * the script's business (sim_script.c), how a UAS does it is written here:
 *
 *   INVITE ─► offer read, port opened ─► 18x ─► [ring_ms] ─► final answer
 *                                         │                     │ 200, repeated
 *                                         └─ CANCEL ─► 487      ▼ until ACK
 *                              BYE, theirs or [hangup_ms] ours, ends it
 *
 * A callee belongs to the list of its sandbox and frees itself when its call is
 * over. Its memory is what a thousand simultaneous calls cost, so the INVITE is
 * let go with the ACK. */
#include <string.h>

#include "sip/sdp.h"
#include "sip/sim_impl.h"

enum {
	DISCARD_PORT = 9, /* where mute callees say they listen */
	PRESS_AFTER_MS = 1000,
	PRESS_MS = 160,
	GIVE_UP_MS = 64 * SIP_T1,
};

static const char *const all_codecs[] = { "PCMA",           "PCMU", "G722",
					  "opus",           "GSM",  "G726-16",
					  "telephone-event" };

static void callee_destructor(void *data)
{
	struct gw_sim_callee *c = data;

	list_unlink(&c->le);
	tmr_cancel(&c->step);
	tmr_cancel(&c->again);
	mem_deref(c->dial);
	mem_deref(c->port);
	mem_deref(c->route);
	mem_deref(c->dlg);
	mem_deref(c->st);
	mem_deref(c->ok);
	mem_deref(c->invite);
}

static void press_1(void *arg)
{
	struct gw_sim_callee *c = arg;

	if (c->port)
		(void)gw_media_dtmf(c->port, '1', PRESS_MS);
}

/* --------------------------------------------------------------- hanging up */

static void hang_up(void *arg)
{
	struct gw_sim_callee *c = arg;

	if (!c->is_out)
		(void)sip_drequestf(NULL, c->sim->sip, true, "BYE", c->dlg, 0,
				    NULL, NULL, NULL, NULL,
				    "Reason: Q.850;cause=16\r\n"
				    "Content-Length: 0\r\n\r\n");
	mem_deref(c);
}

/* ------------------------------------------------------------------ answers */

/* Another branch of the same call: the same message with another To tag. */
static void send_fork(const struct gw_sim_callee *c, struct mbuf *mb)
{
	struct mbuf *fork = mbuf_alloc(mb->end);
	char tag[22];
	char *at;
	struct sa dst;

	if (!fork || mbuf_write_mem(fork, mb->buf, mb->end) ||
	    mbuf_write_u8(fork, 0))
		goto out;

	(void)re_snprintf(tag, sizeof(tag), ";tag=%016llx", c->tag);
	at = strstr((char *)fork->buf, tag);
	if (!at)
		goto out;

	at[5] = at[5] == 'f' ? '0' : 'f';
	--fork->end; /* the NUL */
	fork->pos = 0;
	sip_reply_addr(&dst, c->invite, true);
	(void)sip_send(c->sim->sip, c->invite->sock, c->invite->tp, &dst, fork);
out:
	mem_deref(fork);
}

/* Provisional or 2xx, with our SDP or without. Keeps the 2xx for repeating. */
static int reply(struct gw_sim_callee *c, uint16_t code, const char *phrase,
		 bool with_sdp)
{
	struct mbuf *sdp = NULL, *sent = NULL;
	int err = 0;

	if (with_sdp) {
		sdp = mbuf_alloc(512);
		err = sdp ? gw_sdp_answer(sdp, &c->local,
					  (char *)mbuf_buf(c->invite->mb),
					  mbuf_get_left(c->invite->mb),
					  &c->remote) :
			    ENOMEM;
		if (err)
			goto out;
	}

	err = sip_treplyf(&c->st, &sent, c->sim->sip, c->invite, true, code,
			  phrase,
			  "Contact: <sip:%s@%s:%u>\r\n"
			  "Allow: %s\r\n"
			  "%s"
			  "Content-Length: %zu\r\n\r\n%b",
			  c->script->name, c->sim->domain, c->sim->port,
			  gw_stack_allow,
			  sdp ? "Content-Type: application/sdp\r\n" : "",
			  sdp ? sdp->end : (size_t)0, sdp ? sdp->buf : NULL,
			  sdp ? sdp->end : (size_t)0);
	if (err)
		goto out;

	if (c->script->quirks & GW_SIM_FORKS)
		send_fork(c, sent);
	if (code >= 200)
		c->ok = mem_ref(sent);

out:
	mem_deref(sent);
	mem_deref(sdp);
	return err;
}

/* Any other final answer; the callee is gone afterwards. */
static void refuse(struct gw_sim_callee *c, uint16_t code, const char *phrase)
{
	(void)sip_treply(&c->st, c->sim->sip, c->invite, code, phrase);
	mem_deref(c);
}

/* RFC 3261 13.3.1.4: a 2xx is repeated until its ACK, T1 doubling up to T2. */
static void repeat_ok(void *arg)
{
	struct gw_sim_callee *c = arg;
	struct sa dst;

	c->repeated_ms += c->repeat_ms;
	if (c->repeated_ms >= GIVE_UP_MS) {
		hang_up(c);
		return;
	}

	c->ok->pos = 0;
	sip_reply_addr(&dst, c->invite, true);
	(void)sip_send(c->sim->sip, c->invite->sock, c->invite->tp, &dst,
		       c->ok);

	c->repeat_ms = min(c->repeat_ms * 2, (uint32_t)SIP_T2);
	tmr_start(&c->again, c->repeat_ms, repeat_ok, c);
}

static void answer(struct gw_sim_callee *c)
{
	const struct gw_sim_script *script = c->script;

	if (sip_dialog_accept(&c->dlg, c->invite) ||
	    reply(c, 200, "OK", true)) {
		if (c->st)
			refuse(c, 500, "Server Internal Error");
		else
			mem_deref(c);
		return;
	}

	c->repeat_ms = SIP_T1;
	tmr_start(&c->again, c->repeat_ms, repeat_ok, c);
	gw_sim_talk(c, script->sound);

	if (script->hangup_ms)
		tmr_start(&c->step, script->hangup_ms, hang_up, c);
	else if (script->quirks & GW_SIM_PRESSES_1)
		tmr_start(&c->step, PRESS_AFTER_MS, press_1, c);
}

static void rung(void *arg)
{
	struct gw_sim_callee *c = arg;

	if (c->script->code >= 300)
		refuse(c, c->script->code, c->script->phrase);
	else if (c->is_open)
		answer(c);
	else
		c->is_due = true;
}

static void cancelled(void *arg)
{
	struct gw_sim_callee *c = arg;

	/* RFC 3261 9.2 leaves it to the UAS: a 200 that was on its way anyway */
	tmr_cancel(&c->step);
	if (c->script->quirks & GW_SIM_CROSSES_CANCEL && c->is_open)
		answer(c);
	else
		refuse(c, 487, "Request Terminated");
}

/* ------------------------------------------------------------------ ringing */

static void ring(struct gw_sim_callee *c)
{
	const struct gw_sim_script *script = c->script;
	bool early = script->ring_code == 183;

	/* what could not be sent will be said by the final answer */
	(void)reply(c, script->ring_code,
		    early ? "Session Progress" : "Ringing", early);

	if (early)
		gw_sim_talk(c, script->early);
	if (!(script->quirks & GW_SIM_RINGS_ON))
		tmr_start(&c->step, script->ring_ms, rung, c);
}

static void opened(struct gw_sim_callee *c, uint16_t port)
{
	c->local.rtp_port = port;
	c->is_open = true;

	if (c->script->ring_code == 183)
		ring(c);
	else if (c->is_due)
		answer(c);
}

static void media_fact(const struct gw_media_fact *fact, void *arg)
{
	struct gw_sim_callee *c = arg;

	if (fact->type == GW_MEDIA_PLAY_ENDED)
		gw_sim_has_played(c);
	if (fact->type != GW_MEDIA_OPENED)
		return;

	if (!fact->err)
		opened(c, fact->local_port);
	else if (c->st)
		refuse(c, 503, "Service Unavailable");
}

/* ------------------------------------------------------------ in the dialog */

static bool is_our_branch(const struct gw_sim_callee *c,
			  const struct sip_msg *msg)
{
	return pl_x64(&msg->to.tag) == c->tag;
}

static void reinvited(struct gw_sim_callee *c, const struct sip_msg *msg)
{
	struct mbuf *sdp = mbuf_alloc(512);
	char *offer = (char *)mbuf_buf(msg->mb);
	size_t len = mbuf_get_left(msg->mb);
	struct gw_sdp_remote remote;
	const char *why;

	++c->local.version;
	if (!sdp || gw_sdp_read(&remote, offer, len, &c->local, true, &why) ||
	    gw_sdp_answer(sdp, &c->local, offer, len, &remote)) {
		(void)sip_treply(NULL, c->sim->sip, msg, 488,
				 "Not Acceptable Here");
		goto out;
	}

	c->remote = remote;
	(void)sip_dialog_update(c->dlg, msg);
	(void)sip_treplyf(NULL, NULL, c->sim->sip, msg, true, 200, "OK",
			  "Contact: <sip:%s@%s:%u>\r\n"
			  "Content-Type: application/sdp\r\n"
			  "Content-Length: %zu\r\n\r\n%b",
			  c->script->name, c->sim->domain, c->sim->port,
			  sdp->end, sdp->buf, sdp->end);
	gw_sim_talk(c, c->script->sound);
out:
	mem_deref(sdp);
}

static void acked(struct gw_sim_callee *c)
{
	tmr_cancel(&c->again);
	c->ok = mem_deref(c->ok);
	c->invite = mem_deref(c->invite);
}

/* A phone that has been REFERred talks on with whom it called. */
static void hung_up(struct gw_sim_callee *c)
{
	c->is_out = true;
	if (!c->dial)
		mem_deref(c);
}

static bool in_dialog(const struct sip_msg *msg, void *arg)
{
	struct gw_sim_callee *c = arg;
	struct sip *sip = c->sim->sip;
	bool ours = is_our_branch(c, msg);

	if (!msg->req)
		return false;

	if (!pl_strcmp(&msg->met, "ACK")) {
		if (ours)
			acked(c);
	} else if (!pl_strcmp(&msg->met, "BYE")) {
		(void)sip_treply(NULL, sip, msg, 200, "OK");
		if (ours)
			hung_up(c);
	} else if (!pl_strcmp(&msg->met, "INVITE") && ours && c->dlg) {
		reinvited(c, msg);
	} else if (!pl_strcmp(&msg->met, "REFER") && ours && c->dlg) {
		gw_sim_referred(c, msg);
	} else if (!pl_strcmp(&msg->met, "OPTIONS") ||
		   !pl_strcmp(&msg->met, "INFO")) {
		(void)sip_treply(NULL, sip, msg, 200, "OK");
	} else {
		(void)sip_treply(NULL, sip, msg, 405, "Method Not Allowed");
	}
	return true;
}

/* -------------------------------------------------------------------- birth */

static void describe(struct gw_sim_callee *c)
{
	struct gw_sdp_local *local = &c->local;

	local->session_id = rand_u32();
	local->version = local->session_id;
	local->address = c->sim->domain;
	local->dir = GW_MEDIA_SENDRECV;
	local->codecs = all_codecs;
	local->codec_count = ARRAY_SIZE(all_codecs);

	if (c->script->codec) {
		c->codecs[0] = c->script->codec;
		c->codecs[1] = "telephone-event";
		local->codecs = c->codecs;
		local->codec_count = 2;
	}
}

static int open_port(struct gw_sim_callee *c)
{
	struct sa laddr;
	int err;

	if (!c->sim->media) {
		opened(c, DISCARD_PORT);
		return 0;
	}

	err = sa_set_str(&laddr, c->sim->domain, 0);
	return err ? err :
		     gw_media_open(&c->port, c->sim->media, &laddr, media_fact,
				   c);
}

static int take_up(struct gw_sim_callee *c, const struct sip_msg *msg)
{
	char *call_id = NULL;
	int err;

	err = pl_strdup(&call_id, &msg->callid);
	if (!err)
		err = gw_stack_route(&c->route, c->sim->server, call_id,
				     in_dialog, c);
	if (!err)
		err = sip_strans_alloc(&c->st, c->sim->sip, msg, cancelled, c);
	if (!err)
		err = sip_treply(&c->st, c->sim->sip, msg, 100, "Trying");

	mem_deref(call_id);
	return err;
}

/* At once and for good: no state is kept. */
static void decide(struct gw_sim *sim, const struct sip_msg *msg,
		   const struct gw_sim_script *script)
{
	char contact[64] = "";

	if (script->code / 100 == 3)
		(void)re_snprintf(contact, sizeof(contact),
				  "Contact: <sip:answer@%s:%u>\r\n",
				  sim->domain, sim->port);

	(void)sip_treplyf(NULL, NULL, sim->sip, msg, false, script->code,
			  script->phrase, "%s%sContent-Length: 0\r\n\r\n",
			  contact, script->header ? script->header : "");
}

void gw_sim_callee_invite(struct gw_sim *sim, const struct sip_msg *msg,
			  const struct gw_sim_script *script)
{
	struct gw_sim_callee *c;
	const char *why;

	if (!script->ring_code) {
		decide(sim, msg, script);
		return;
	}

	c = mem_zalloc(sizeof(*c), callee_destructor);
	if (!c) {
		(void)sip_treply(NULL, sim->sip, msg, 500,
				 "Server Internal Error");
		return;
	}

	c->sim = sim;
	c->script = script;
	c->invite = mem_ref((void *)(uintptr_t)msg);
	c->tag = msg->tag;
	tmr_init(&c->step);
	tmr_init(&c->again);
	list_append(&sim->callees, &c->le, c);
	describe(c);

	if (take_up(c, msg)) {
		mem_deref(c);
		return;
	}

	if (gw_sdp_read(&c->remote, (char *)mbuf_buf(msg->mb),
			mbuf_get_left(msg->mb), &c->local, true, &why)) {
		refuse(c, 488, "Not Acceptable Here");
		return;
	}

	if (script->ring_code == 180)
		ring(c);
	if (open_port(c))
		refuse(c, 503, "Service Unavailable");
}
