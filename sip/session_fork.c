/* sip/session_fork.c - the dialogs that one INVITE has made, and the requests that
 * go along each of them: ACK, PRACK, BYE.
 *
 * Several phones may answer; each is told on its own dialog what becomes of it. */
#include "sip/session_impl.h"

enum { FORKS_MAX = 32 }; /* more are not ACKed: a flood, no phones */

/* Forks ------------------------------------------------------------------- */

static void fork_destructor(void *arg)
{
	struct gw_fork *fork = arg;

	list_unlink(&fork->le);
	/* stateful ones are brought to their end by libre */
	mem_deref(fork->prack);
	mem_deref(fork->bye);
	for (size_t i = 0; i < GW_ACK_COUNT; i++) {
		mem_deref(fork->acks[i].req);
		mem_deref(fork->acks[i].mb);
	}
	mem_deref(fork->dlg);
}

struct gw_fork *gw_session_find_fork(const struct gw_session *s,
				     const struct sip_msg *msg)
{
	for (struct le *le = list_head(&s->forks); le; le = le->next) {
		struct gw_fork *fork = le->data;

		if (sip_dialog_cmp(fork->dlg, msg))
			return fork;
	}

	return NULL;
}

static int add_fork(struct gw_fork **forkp, struct gw_session *s,
		    const struct sip_msg *msg)
{
	struct gw_fork *fork;
	int err;

	if (list_count(&s->forks) >= FORKS_MAX)
		return EOVERFLOW;
	if (!pl_isset(&msg->to.tag))
		return EBADMSG; /* whose dialog would that be? */

	fork = mem_zalloc(sizeof(*fork), fork_destructor);
	if (!fork)
		return ENOMEM;

	fork->session = s;
	err = sip_dialog_fork(&fork->dlg, s->half, msg);
	if (err) {
		mem_deref(fork);
		return err;
	}

	list_append(&s->forks, &fork->le, fork);
	*forkp = fork;
	return 0;
}

/* The dialog of a 2xx. RFC 3261 13.2.2.4: an early one takes its route set anew
 * from it, unless requests have gone along the old one already. */
int gw_session_confirm_fork(struct gw_fork **forkp, struct gw_session *s,
			    const struct sip_msg *msg)
{
	struct gw_fork *fork = gw_session_find_fork(s, msg);
	struct sip_dialog *dlg;
	int err;

	if (!fork)
		return add_fork(forkp, s, msg);

	if (fork->rseq) {
		(void)sip_dialog_update(fork->dlg, msg);
	} else {
		err = sip_dialog_fork(&dlg, s->half, msg);
		if (err)
			return err;
		mem_deref(fork->dlg);
		fork->dlg = dlg;
	}

	*forkp = fork;
	return 0;
}

/* ACK --------------------------------------------------------------------- */

static int ack_leaves(enum sip_transp tp, const struct sa *src,
		      const struct sa *dst, struct mbuf *mb, void *arg)
{
	struct gw_ack *ack = arg;
	(void)src;

	mem_deref(ack->mb);
	ack->mb = mem_ref(mb);
	ack->tp = tp;
	ack->dst = *dst;
	return 0;
}

static void ack_failed(int err, const struct sip_msg *msg, void *arg)
{
	(void)err; /* the far side's own timer ends the call */
	(void)msg;
	(void)arg;
}

void gw_session_ack(struct gw_fork *fork, enum gw_ack_of of, uint32_t cseq)
{
	struct gw_session *s = fork->session;
	struct gw_ack *ack = &fork->acks[of];

	ack->req = mem_deref(ack->req);
	ack->mb = mem_deref(ack->mb);
	ack->cseq = cseq;
	(void)sip_drequestf(&ack->req, s->sip, false, "ACK", fork->dlg, cseq,
			    s->auth, ack_leaves, ack_failed, ack,
			    "Content-Length: 0\r\n\r\n");
}

static const struct gw_ack *find_ack(const struct gw_fork *fork, uint32_t cseq)
{
	for (size_t i = 0; i < GW_ACK_COUNT; i++) {
		if (fork->acks[i].mb && fork->acks[i].cseq == cseq)
			return &fork->acks[i];
	}

	return NULL;
}

bool gw_session_has_acked(const struct gw_fork *fork, uint32_t cseq)
{
	return find_ack(fork, cseq) != NULL;
}

void gw_session_ack_again(const struct gw_fork *fork, uint32_t cseq)
{
	const struct gw_ack *ack = find_ack(fork, cseq);

	if (!ack)
		return;

	ack->mb->pos = 0;
	(void)sip_send(fork->session->sip, NULL, ack->tp, &ack->dst, ack->mb);
}

/* BYE --------------------------------------------------------------------- */

static void bye_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct gw_fork *fork = arg;
	struct gw_session *s = fork->session;

	if (!err && msg && msg->scode < 200)
		return;

	if (!err && msg && gw_session_is_challenge(msg) &&
	    !gw_session_take_challenge(s, msg)) {
		gw_session_bye(fork);
		return;
	}

	/* into a TCP connection that was dead without our knowing: libre has
	 * noticed meanwhile and makes another one */
	if (err == ETIMEDOUT && s->tp != SIP_TRANSP_UDP && !fork->bye_again) {
		fork->bye_again = true;
		gw_session_bye(fork);
		return;
	}

	if (fork == s->won && s->state == GW_SESSION_ENDING)
		gw_session_over(s, 0);
}

void gw_session_bye(struct gw_fork *fork)
{
	struct gw_session *s = fork->session;
	int err;

	err = sip_drequestf(&fork->bye, s->sip, true, "BYE", fork->dlg, 0,
			    s->auth, NULL, bye_answered, fork,
			    "%sContent-Length: 0\r\n\r\n",
			    s->reason ? s->reason : "");
	if (err && fork == s->won && s->state == GW_SESSION_ENDING)
		gw_session_over(s, err);
}

/* PRACK ------------------------------------------------------------------- */

static void prack(struct gw_fork *fork);

static void prack_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct gw_fork *fork = arg;

	if (!err && msg && gw_session_is_challenge(msg) &&
	    !gw_session_take_challenge(fork->session, msg))
		prack(fork);
}

static void prack(struct gw_fork *fork)
{
	struct gw_session *s = fork->session;

	/* one that still waits for its 200 goes on alone */
	fork->prack = mem_deref(fork->prack);
	(void)sip_drequestf(&fork->prack, s->sip, true, "PRACK", fork->dlg, 0,
			    s->auth, NULL, prack_answered, fork,
			    "RAck: %u %u INVITE\r\n"
			    "Content-Length: 0\r\n\r\n",
			    fork->rseq, s->invite_cseq);
}

/* RFC 3262 4. False: a repetition or out of order, not for anybody's ears. */
bool gw_session_acknowledge(struct gw_session *s, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RSEQ);
	struct gw_fork *fork;
	uint32_t rseq;

	if (!hdr || !sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "100rel"))
		return true;

	rseq = pl_u32(&hdr->val);
	fork = gw_session_find_fork(s, msg);
	if (fork && fork->rseq && rseq != fork->rseq + 1)
		return false;

	if (!rseq || (!fork && add_fork(&fork, s, msg)))
		return true;

	fork->rseq = rseq;
	prack(fork);
	return true;
}
