/* A phone of the sandbox calls somebody itself, because a REFER told it to: a
 * plain UAC on the client's stack, which the registrar challenges as it does
 * everybody.
 *
 *   INVITE ─► 407 ─► INVITE ─► 18x ─► 200, ACK ─► BYE, theirs or ours
 *                                └─► refused
 *
 * The two ends have a Call-ID of their own here, not that of the call in which
 * the REFER came. */
#include <string.h>

#include "sip/sim_impl.h"

enum { TRIES_MAX = 3, RING_MS = 20000, TALK_MS = 10000 };

struct gw_sim_dial {
	struct gw_sim *sim;
	const struct gw_sim_dial_h *h; /* NULL: nobody listens any more */
	void *arg;

	struct sip *sip;
	struct sa laddr;
	struct sip_dialog *dlg;
	struct sip_auth *auth;
	struct sip_request *req;
	struct gw_stack_route *route;
	char *user;
	struct mbuf *offer;
	unsigned tries;
	uint32_t cseq; /* of the INVITE */
	bool up;
	struct tmr patience; /* nobody else sees these two, to hang up */
};

static void dial_destructor(void *arg)
{
	struct gw_sim_dial *d = arg;

	tmr_cancel(&d->patience);
	if (d->up)
		(void)sip_drequestf(NULL, d->sip, true, "BYE", d->dlg, 0,
				    d->auth, NULL, NULL, NULL,
				    "Content-Length: 0\r\n\r\n");
	mem_deref(d->req); /* a call that still rings is cancelled */
	mem_deref(d->route);
	mem_deref(d->auth);
	mem_deref(d->dlg);
	mem_deref(d->user);
	mem_deref(d->offer);
}

static int password(char **userp, char **passwordp, const char *realm,
		    void *arg)
{
	const struct gw_sim_dial *d = arg;
	int err;
	(void)realm;

	err = str_dup(userp, GW_SIM_USER);
	return err ? err : str_dup(passwordp, d->sim->password);
}

static void over(struct gw_sim_dial *d)
{
	const struct gw_sim_dial_h *h = d->h;

	d->h = NULL;
	if (h)
		h->over(d->arg);
}

static void had_enough(void *arg)
{
	struct gw_sim_dial *d = arg;

	mem_ref(d);
	over(d);
	mem_deref(d);
}

static void ack(struct gw_sim_dial *d)
{
	(void)sip_drequestf(NULL, d->sip, false, "ACK", d->dlg, d->cseq,
			    d->auth, NULL, NULL, NULL,
			    "Content-Length: 0\r\n\r\n");
}

static int send_invite(struct gw_sim_dial *d);

static void answered(struct gw_sim_dial *d, const struct sip_msg *msg)
{
	if (sip_dialog_create(d->dlg, msg)) {
		over(d);
		return;
	}
	d->up = true;
	tmr_start(&d->patience, TALK_MS, had_enough, d);
	ack(d);
	if (d->h)
		d->h->heard(msg, d->arg);
}

static bool is_challenge(const struct sip_msg *msg)
{
	return msg->scode == 401 || msg->scode == 407;
}

static void invite_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct gw_sim_dial *d = arg;

	mem_ref(d);
	if (!err && is_challenge(msg) && ++d->tries < TRIES_MAX &&
	    !sip_auth_authenticate(d->auth, msg) && !send_invite(d))
		;
	else if (!err && msg->scode >= 200 && msg->scode < 300)
		answered(d, msg);
	else {
		if (!err && d->h)
			d->h->heard(msg, d->arg);
		if (err || msg->scode >= 300)
			over(d);
	}
	mem_deref(d);
}

static int send_invite(struct gw_sim_dial *d)
{
	d->cseq = sip_dialog_lseq(d->dlg);
	return sip_drequestf(&d->req, d->sip, true, "INVITE", d->dlg, 0,
			     d->auth, NULL, invite_answered, d,
			     "Contact: <sip:%s@%J>\r\n"
			     "Content-Type: application/sdp\r\n"
			     "Content-Length: %zu\r\n\r\n%b",
			     d->user, &d->laddr, d->offer->end, d->offer->buf,
			     d->offer->end);
}

/* What no transaction waits for: their BYE, a 200 whose ACK was lost. */
static bool in_dialog(const struct sip_msg *msg, void *arg)
{
	struct gw_sim_dial *d = arg;

	if (!msg->req) {
		if (d->up && sip_dialog_cmp(d->dlg, msg) &&
		    msg->scode / 100 == 2 && msg->cseq.num == d->cseq)
			ack(d);
		return true;
	}
	if (!pl_strcmp(&msg->met, "ACK"))
		return true;
	if (pl_strcmp(&msg->met, "BYE")) {
		(void)sip_treply(NULL, d->sip, msg, 405, "Method Not Allowed");
		return true;
	}
	(void)sip_treply(NULL, d->sip, msg, 200, "OK");
	d->up = false;
	over(d);
	return true;
}

int gw_sim_dial(struct gw_sim_dial **dialp, struct gw_sim *sim,
		const struct gw_sim_dialling *what,
		const struct gw_sim_dial_h *h, void *arg)
{
	struct gw_sim_dial *d;
	struct sa anybody;
	char from[96];
	int err;

	d = mem_zalloc(sizeof(*d), dial_destructor);
	if (!d)
		return ENOMEM;
	tmr_init(&d->patience);
	d->sim = sim;
	d->offer = mem_ref((void *)(uintptr_t)what->offer);
	(void)re_snprintf(from, sizeof(from), "sip:%s@%s", what->user,
			  sim->domain);
	err = sa_set_str(&anybody, sim->domain, sim->port);
	if (!err)
		err = gw_stack_sip(&d->sip, &d->laddr, sim->client,
				   GW_TRANSPORT_UDP, &anybody);
	if (!err)
		err = str_dup(&d->user, what->user);
	if (!err)
		err = sip_auth_alloc(&d->auth, password, d, false);
	if (!err)
		err = sip_dialog_alloc(&d->dlg, what->uri, what->uri, NULL,
				       from, NULL, 0);
	if (!err)
		err = gw_stack_route(&d->route, sim->client,
				     sip_dialog_callid(d->dlg), in_dialog, d);
	if (!err)
		err = send_invite(d);
	if (err) {
		mem_deref(d);
		return err;
	}
	tmr_start(&d->patience, RING_MS, had_enough, d);
	d->h = h;
	d->arg = arg;
	*dialp = d;
	return 0;
}
