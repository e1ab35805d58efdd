/* The sandbox's PBX: it registers user 858, asks for the password as real ones
 * do (401 and 407, MD5 without qop) and puts calls through to simulated callees.
 *
 *   client (a gw_stack) ── UDP, 127.0.0.1 ──► server (a gw_stack)
 *     the sandbox line                          sim.c: REGISTER, digest
 *     and its calls                             sim_callee.c: each call
 *                                               sim_script.c: who does what
 *
 * Two stacks, because both ends of a call have the same Call-ID and a stack
 * hands messages out by it. Nonces are not remembered but recognised (a time and
 * its keyed hash): ten thousand calls cost the sandbox no memory. */
#include <string.h>
#include <time.h>

#include <openssl/hmac.h>

#include "sip/sim_impl.h"

#define USER  GW_SIM_USER
#define REALM "sandbox"

enum {
	NONCE_LIFE_S = 300,
	NONCE_HASH = 16, /* bytes of it that the nonce shows */
	EXPIRES_MIN_S = 60,
	EXPIRES_MAX_S = 3600,
};

static const char *const codecs[] = { "PCMA", "PCMU", "G722", "GSM",
				      "telephone-event" };

/* ------------------------------------------------------------------ digest */

static void make_nonce(const struct gw_sim *sim, char *nonce, size_t size,
		       uint32_t seconds, uint32_t salt)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	char text[17];

	(void)re_snprintf(text, sizeof(text), "%08x%08x", seconds, salt);
	(void)HMAC(EVP_sha256(), sim->secret, (int)sizeof(sim->secret),
		   (const uint8_t *)text, 16, hash, NULL);
	(void)re_snprintf(nonce, size, "%s%w", text, hash, (size_t)NONCE_HASH);
}

static uint32_t now_s(void)
{
	return (uint32_t)(tmr_jiffies() / 1000);
}

static bool is_our_nonce(const struct gw_sim *sim, const struct pl *nonce,
			 bool *stalep)
{
	struct pl seconds = { nonce->p, 8 }, salt;
	char want[64];

	if (nonce->l != 16 + 2 * NONCE_HASH)
		return false;

	salt.p = nonce->p + 8;
	salt.l = 8;
	make_nonce(sim, want, sizeof(want), pl_x32(&seconds), pl_x32(&salt));
	*stalep = now_s() - pl_x32(&seconds) > NONCE_LIFE_S;
	return !pl_strcmp(nonce, want);
}

static bool password_fits(const struct gw_sim *sim,
			  const struct httpauth_digest_resp *resp,
			  const struct pl *method)
{
	uint8_t ha1[MD5_SIZE];

	return !md5_printf(ha1, "%s:%s:%s", USER, REALM, sim->password) &&
	       !httpauth_digest_response_auth(resp, method, ha1);
}

static bool is_authorised(const struct gw_sim *sim, const struct sip_msg *msg,
			  enum sip_hdrid id, bool *stalep)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, id);
	struct httpauth_digest_resp resp;

	*stalep = false;
	if (!hdr || httpauth_digest_response_decode(&resp, &hdr->val))
		return false;

	return !pl_strcmp(&resp.username, USER) &&
	       !pl_strcmp(&resp.realm, REALM) &&
	       is_our_nonce(sim, &resp.nonce, stalep) &&
	       password_fits(sim, &resp, &msg->met) && !*stalep;
}

static void challenge(const struct gw_sim *sim, const struct sip_msg *msg,
		      bool proxy, bool stale)
{
	char nonce[64];

	make_nonce(sim, nonce, sizeof(nonce), now_s(), rand_u32());
	(void)sip_treplyf(NULL, NULL, sim->sip, msg, false, proxy ? 407 : 401,
			  proxy ? "Proxy Authentication Required" :
				  "Unauthorized",
			  "%s-Authenticate: Digest realm=\"%s\", "
			  "nonce=\"%s\"%s\r\n"
			  "Content-Length: 0\r\n\r\n",
			  proxy ? "Proxy" : "WWW", REALM, nonce,
			  stale ? ", stale=true" : "");
}

/* --------------------------------------------------------------- registrar */

static bool read_contact(const struct sip_hdr *hdr, const struct sip_msg *msg,
			 void *arg)
{
	struct gw_sim *sim = arg;
	struct sip_addr addr;
	struct pl expires;
	uint32_t expires_s;

	if (sip_addr_decode(&addr, &hdr->val))
		return false;

	expires_s = pl_isset(&msg->expires) ? pl_u32(&msg->expires) :
					      EXPIRES_MAX_S;
	if (!msg_param_decode(&addr.params, "expires", &expires))
		expires_s = pl_u32(&expires);

	if (!expires_s && !pl_strcmp(&addr.auri, sim->contact))
		sim->contact[0] = '\0';
	else if (expires_s)
		(void)pl_strcpy(&addr.auri, sim->contact, sizeof(sim->contact));
	return false;
}

static uint32_t asked_expires(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr addr;
	struct pl expires;

	if (hdr && !sip_addr_decode(&addr, &hdr->val) &&
	    !msg_param_decode(&addr.params, "expires", &expires))
		return pl_u32(&expires);

	return pl_isset(&msg->expires) ? pl_u32(&msg->expires) : EXPIRES_MAX_S;
}

static void take_register(struct gw_sim *sim, const struct sip_msg *msg)
{
	uint32_t expires_s = asked_expires(msg);
	bool stale;

	if (!is_authorised(sim, msg, SIP_HDR_AUTHORIZATION, &stale)) {
		challenge(sim, msg, false, stale);
		return;
	}

	if (pl_strcmp(&msg->to.uri.user, USER)) {
		(void)sip_treply(NULL, sim->sip, msg, 404, "Not Found");
		return;
	}

	if (expires_s && expires_s < EXPIRES_MIN_S) {
		(void)sip_treplyf(NULL, NULL, sim->sip, msg, false, 423,
				  "Interval Too Brief",
				  "Min-Expires: %u\r\n"
				  "Content-Length: 0\r\n\r\n",
				  (uint32_t)EXPIRES_MIN_S);
		return;
	}

	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, read_contact, sim);
	expires_s = min(expires_s, (uint32_t)EXPIRES_MAX_S);
	if (sim->contact[0])
		(void)sip_treplyf(NULL, NULL, sim->sip, msg, false, 200, "OK",
				  "Contact: <%s>;expires=%u\r\n"
				  "Content-Length: 0\r\n\r\n",
				  sim->contact, expires_s);
	else
		(void)sip_treply(NULL, sim->sip, msg, 200, "OK");
}

/* ------------------------------------------------------------------- calls */

static void take_invite(struct gw_sim *sim, const struct sip_msg *msg)
{
	const struct gw_sim_script *script = gw_sim_script(&msg->uri.user);
	unsigned quirks = script ? script->quirks : 0;
	bool stale;

	if (quirks & GW_SIM_IGNORES)
		return;

	if (!is_authorised(sim, msg, SIP_HDR_PROXY_AUTHORIZATION, &stale) ||
	    quirks & GW_SIM_CHALLENGES) {
		challenge(sim, msg, true, stale);
		return;
	}

	if (script)
		gw_sim_callee_invite(sim, msg, script);
	else
		(void)sip_treply(NULL, sim->sip, msg, 404, "Not Found");
}

static bool take_request(struct sip *sip, const struct sip_msg *msg, void *arg)
{
	struct gw_sim *sim = arg;
	(void)sip;

	if (!pl_strcmp(&msg->met, "REGISTER"))
		take_register(sim, msg);
	else if (!pl_strcmp(&msg->met, "INVITE"))
		take_invite(sim, msg);
	else
		return false; /* OPTIONS and the rest: as the stack does */

	return true;
}

/* -------------------------------------------------------------------- life */

static void sim_destructor(void *data)
{
	struct gw_sim *sim = data;

	gw_sim_close(sim);
	mem_deref(sim->client);
	mem_deref(sim->server);
	for (size_t i = 0; i < GW_SIM_SOUND_COUNT; i++)
		mem_deref(sim->sounds[i]);
	explicit_bzero(sim->password, sizeof(sim->password));
}

static int open_stacks(struct gw_sim *sim)
{
	const struct gw_stack_listen loopback = { GW_TRANSPORT_UDP, "127.0.0.1",
						  0 };
	struct gw_stack_cfg cfg = { .listen = &loopback,
				    .listen_count = 1,
				    .user_agent = "Bellpull sandbox",
				    .requesth = take_request,
				    .arg = sim };
	struct sa anybody, laddr;
	int err;

	err = gw_stack_alloc(&sim->server, &cfg);
	if (err)
		return err;

	err = sa_set_str(&anybody, "127.0.0.1", 5060);
	if (!err)
		err = gw_stack_sip(&sim->sip, &laddr, sim->server,
				   GW_TRANSPORT_UDP, &anybody);
	if (err)
		return err;

	sim->port = sa_port(&laddr);
	cfg.user_agent = "Bellpull/" GW_VERSION;
	cfg.requesth = NULL;
	return gw_stack_alloc(&sim->client, &cfg);
}

int gw_sim_alloc(struct gw_sim **simp, struct gw_media *media)
{
	struct gw_sim *sim;
	int err = 0;

	if (!simp)
		return EINVAL;

	sim = mem_zalloc(sizeof(*sim), sim_destructor);
	if (!sim)
		return ENOMEM;

	sim->media = media;
	str_ncpy(sim->domain, "127.0.0.1", sizeof(sim->domain));
	rand_bytes(sim->secret, sizeof(sim->secret));
	(void)re_snprintf(sim->password, sizeof(sim->password),
			  "%016llx%016llx", rand_u64(), rand_u64());

	for (enum gw_sim_sound i = 0; i < GW_SIM_SOUND_COUNT && media && !err;
	     i++)
		err = gw_sim_sound_make(&sim->sounds[i], i);
	if (!err)
		err = open_stacks(sim);

	if (err)
		mem_deref(sim);
	else
		*simp = sim;
	return err;
}

void gw_sim_close(struct gw_sim *sim)
{
	if (sim)
		list_flush(&sim->callees);
}

void gw_sim_line_cfg(const struct gw_sim *sim, struct gw_line_cfg *cfg)
{
	*cfg = (struct gw_line_cfg){
		.name = "sandbox",
		.display_name = USER,
		.user = USER,
		.password = sim->password,
		.domain = sim->domain,
		.port = sim->port,
		.do_register = true,
		.transport = GW_TRANSPORT_UDP,
		.expires_s = EXPIRES_MAX_S,
		.identity_header = "from",
		.codecs = codecs,
		.codec_count = ARRAY_SIZE(codecs),
		.callees_are_overloaded = true,
	};
}

struct gw_stack *gw_sim_stack(const struct gw_sim *sim)
{
	return sim->client;
}

uint16_t gw_sim_port(const struct gw_sim *sim)
{
	return sim->port;
}
