/* A simulated callee is REFERred (RFC 3515): it calls the target itself, with its
 * own sound, and tells by NOTIFY how that goes. */
#include <string.h>

#include "sip/sim_impl.h"

static void notify(const struct gw_sim_callee *c, uint16_t code,
		   const struct pl *reason)
{
	char frag[128];
	const int len = re_snprintf(frag, sizeof(frag), "SIP/2.0 %u %r\r\n",
				    code, reason);

	if (len < 0 || c->is_out)
		return;
	(void)sip_drequestf(NULL, c->sim->sip, true, "NOTIFY", c->dlg, 0, NULL,
			    NULL, NULL, NULL,
			    "Event: refer\r\n"
			    "Subscription-State: %s\r\n"
			    "Contact: <sip:%s@%s:%u>\r\n"
			    "Content-Type: message/sipfrag;version=2.0\r\n"
			    "Content-Length: %d\r\n\r\n%s",
			    code < 200 ? "active;expires=60" :
					 "terminated;reason=noresource",
			    c->script->name, c->sim->domain, c->sim->port, len,
			    frag);
}

/* The target's answers to INVITE. */
static void heard(const struct sip_msg *msg, void *arg)
{
	struct gw_sim_callee *c = arg;
	struct gw_sdp_remote remote;
	const char *why;

	if (msg->scode > 100)
		notify(c, msg->scode, &msg->reason);
	if (msg->scode / 100 != 2 ||
	    gw_sdp_read(&remote, (char *)mbuf_buf(msg->mb),
			mbuf_get_left(msg->mb), &c->local, false, &why))
		return;
	c->remote = remote;
	gw_sim_talk(c, c->script->sound);
}

static void over(void *arg)
{
	struct gw_sim_callee *c = arg;

	c->dial = mem_deref(c->dial);
	if (c->is_out)
		mem_deref(c);
}

static int dial(struct gw_sim_callee *c, const struct sip_msg *msg)
{
	static const struct gw_sim_dial_h handlers = { .heard = heard,
						       .over = over };
	struct gw_sim_dialling what = { .user = c->script->name };
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_REFER_TO);
	struct mbuf *offer = mbuf_alloc(512);
	struct sip_addr to;
	char uri[256];
	int err;

	err = hdr && offer ? sip_addr_decode(&to, &hdr->val) : EBADMSG;
	if (!err && re_snprintf(uri, sizeof(uri), "sip:%r@%r:%u", &to.uri.user,
				&to.uri.host, to.uri.port) < 0)
		err = EOVERFLOW;
	if (!err && !to.uri.port)
		*strrchr(uri, ':') = '\0';
	++c->local.version;
	c->local.dir = GW_MEDIA_SENDRECV;
	err = err ? err : gw_sdp_offer(offer, &c->local);
	what.uri = uri;
	what.offer = offer;
	err = err ? err : gw_sim_dial(&c->dial, c->sim, &what, &handlers, c);
	mem_deref(offer);
	return err;
}

void gw_sim_referred(struct gw_sim_callee *c, const struct sip_msg *msg)
{
	static const struct pl trying = PL("Trying"), failed = PL("Failed");
	struct sip *sip = c->sim->sip;

	if (c->script->quirks & GW_SIM_KEEPS_CALL) {
		(void)sip_treply(NULL, sip, msg, 603, "Decline");
		return;
	}
	if (c->dial) {
		(void)sip_treply(NULL, sip, msg, 491, "Request Pending");
		return;
	}
	(void)sip_treplyf(NULL, NULL, sip, msg, false, 202, "Accepted",
			  "Contact: <sip:%s@%s:%u>\r\n"
			  "Content-Length: 0\r\n\r\n",
			  c->script->name, c->sim->domain, c->sim->port);
	notify(c, 100, &trying);
	if (dial(c, msg))
		notify(c, 500, &failed);
}
