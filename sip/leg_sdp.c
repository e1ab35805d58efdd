/* sip/leg_sdp.c - offer and answer: what they say becomes sound, what we say is
 * written here.
 *
 * The sound is set up by the first SDP that fits: of a 183, of the 2xx, or of
 * the far side's re-INVITE. */
#include "sip/leg_impl.h"

#include <errno.h>
#include <string.h>

/* Sound goes to one phone, not to a whole network. */
static bool is_one_host(const struct sa *sa)
{
	const uint8_t *a = sa->u.in6.sin6_addr.s6_addr;

	if (sa_af(sa) == AF_INET6)
		return a[0] != 0xff;

	return sa_in(sa) >> 28 != 0xe && sa_in(sa) != INADDR_BROADCAST;
}

/* A name would have to be asked for; the sound most likely comes from where the
 * signalling does. */
static void place_of(struct sa *sa, const char *address, uint16_t port,
		     const struct sip_msg *msg)
{
	if (sa_set_str(sa, address, port) || !is_one_host(sa)) {
		*sa = msg->src;
		sa_set_port(sa, port);
	}
}

/* Keys first: what is said to the port after them takes them into effect. */
static int secure(struct gw_leg *leg, const struct gw_sdp_remote *remote)
{
	struct gw_media_srtp srtp = { .suite = remote->crypto.suite };
	int err;

	if (!remote->secure && !leg->is_secure)
		return 0;

	if (remote->secure) {
		memcpy(srtp.tx, leg->local.keys[srtp.suite], sizeof(srtp.tx));
		memcpy(srtp.rx, remote->crypto.key, sizeof(srtp.rx));
	}
	err = gw_media_secure(leg->port, remote->secure ? &srtp : NULL);
	explicit_bzero(&srtp, sizeof(srtp));
	if (!err)
		leg->is_secure = remote->secure;
	return err;
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

	if (leg->held)
		remote->dir &= GW_MEDIA_SENDONLY;

	(void)gw_media_latch(leg->port, &msg->src);
	err = secure(leg, remote);
	if (err)
		return err;

	/* what goes from phone to phone is none of the media thread's business */
	err = leg->away ? 0 :
			  gw_media_remote(leg->port, &leg->rtp, &leg->rtcp,
					  &leg->codec, remote->dir);
	if (err)
		return err;

	leg->has_sound = true;
	leg->private_address =
		gw_sdp_private_address(remote->address, leg->bound);
	(void)re_snprintf(leg->codec_name, sizeof(leg->codec_name), "%s/%u",
			  leg->codec.name, leg->codec.clock_rate);
	return 0;
}

bool gw_leg_body(struct pl *body, const struct sip_msg *msg)
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
	if (err == ENOTSUP && remote->no_common_codec) {
		leg->they_speak = mem_deref(leg->they_speak);
		(void)str_dup(&leg->they_speak, remote->offered);
	}
	if (!err)
		leg->sdp_fault = NULL;

	return err;
}

int gw_leg_take_answer(struct gw_leg *leg, const struct sip_msg *msg)
{
	struct gw_sdp_remote remote;
	struct pl body;
	int err;

	if (!gw_leg_body(&body, msg)) {
		leg->sdp_fault = "the answer has no SDP";
		return EBADMSG;
	}

	err = read_sdp(&remote, leg, &body, false);
	if (err)
		return err;

	return apply_remote(leg, &remote, msg);
}

/* A 2xx or ACK whose SDP is no use. */
void gw_leg_end_for_sdp(struct gw_leg *leg, int err)
{
	gw_leg_end(leg, err == ENOTSUP ? GW_CAUSE_NO_COMMON_CODEC :
			err == EBADMSG ? GW_CAUSE_PROTOCOL_ERROR :
					 GW_CAUSE_INTERNAL_ERROR);
}

int gw_leg_offer(struct mbuf **bodyp, struct gw_leg *leg)
{
	return gw_leg_write_offer(bodyp, leg, &leg->local);
}

int gw_leg_write_offer(struct mbuf **bodyp, struct gw_leg *leg,
		       struct gw_sdp_local *local)
{
	struct mbuf *mb;
	int err;

	mb = mbuf_alloc(512);
	if (!mb)
		return ENOMEM;

	local->dir = leg->held ? GW_MEDIA_SENDONLY : GW_MEDIA_SENDRECV;
	local->version = ++leg->local.version;
	err = gw_sdp_offer(mb, local);
	if (err)
		mem_deref(mb);
	else
		*bodyp = mb;
	return err;
}

/* The far side changes the session ---------------------------------------- */

/* Held: the far side doesn't want to hear us. */
static void follow_hold(struct gw_leg *leg, enum gw_media_direction dir)
{
	const bool held = !(dir & GW_MEDIA_SENDONLY);

	if (held == leg->remote_held || !gw_leg_is_up(leg))
		return;

	leg->remote_held = held;
	gw_leg_settle_state(leg);
	gw_leg_tell(leg, held ? GW_LEG_NEWS_HELD : GW_LEG_NEWS_UNHELD);
}

/* Its sound went elsewhere, and it wants something new: the answer is our own
 * address, because the other side can't be asked in between. */
static bool come_back(struct gw_leg *leg)
{
	const bool was_away = leg->away;

	leg->away = false;
	return was_away;
}

int gw_leg_on_offered(struct mbuf **bodyp, const struct sip_msg *msg, void *arg)
{
	struct gw_leg *leg = arg;
	struct gw_sdp_remote remote;
	struct mbuf *mb;
	struct pl body;
	bool was_away;
	int err;

	if (!gw_leg_body(&body, msg)) {
		if (body.l)
			return EBADMSG;
		err = gw_leg_offer(bodyp, leg);
		if (!err && come_back(leg))
			gw_leg_tell(leg, GW_LEG_NEWS_CAME_BACK);
		return err;
	}

	err = read_sdp(&remote, leg, &body, true);
	if (err)
		return err;

	mb = mbuf_alloc(512);
	if (!mb)
		return ENOMEM;

	was_away = come_back(leg);
	err = apply_remote(leg, &remote, msg);
	if (err) {
		leg->away = was_away;
		goto out;
	}

	leg->local.dir = remote.dir;
	++leg->local.version;
	err = gw_sdp_answer(mb, &leg->local, body.p, body.l, &remote);
	if (err)
		goto out;

	*bodyp = mem_ref(mb);
	if (was_away)
		gw_leg_tell(leg, GW_LEG_NEWS_CAME_BACK);
	follow_hold(leg, remote.dir);

out:
	mem_deref(mb);
	return err;
}

void gw_leg_on_agreed(const struct sip_msg *ack, void *arg)
{
	struct gw_leg *leg = arg;
	struct gw_sdp_remote remote;
	struct pl body;
	int err = EBADMSG;

	if (gw_leg_body(&body, ack))
		err = read_sdp(&remote, leg, &body, false);
	if (!err)
		err = apply_remote(leg, &remote, ack);
	if (err) {
		gw_leg_end_for_sdp(leg, err);
		return;
	}

	leg->local.dir = remote.dir;
	follow_hold(leg, remote.dir);
}
