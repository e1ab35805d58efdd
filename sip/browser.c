/* A browser between its offer and its leg.
 *
 *   offer --> read --> port open --> answer written --> ready
 *                                                         | CONNECTED, LOST
 *                                                         v kept
 *                        leg takes port and codec; facts go on to it
 *
 * The browser may connect as soon as it has the answer, and be lost, before its leg
 * has its turn: what has happened by then is kept here. */
#include "sip/browser.h"

#include <errno.h>
#include <string.h>

#include <re.h>

#include "sip/sdp_browser.h"

enum { OPEN_MS = 3000 }; /* patience with the media thread */

struct gw_browser {
	struct gw_media *media;
	struct gw_media_port *port; /* NULL: taken */
	struct gw_sdp_browser offer;
	char *sdp; /* theirs; NULL: answered */
	char *answer;
	struct gw_media_ice ice;
	char text[GW_SDP_CANDIDATES_MAX][48];
	const char *addresses[GW_SDP_CANDIDATES_MAX];
	size_t address_count;
	gw_browser_ready_h *readyh; /* NULL: it has been told */
	void *ready_arg;
	struct tmr tmr;
	bool connected;
	int lost;
	gw_media_fact_h *facth; /* or NULL */
	void *arg;
};

const char *gw_browser_refuse(const char *sdp, const char *const *codecs,
			      size_t codec_count)
{
	struct gw_sdp_browser offer;
	const char *why = NULL;

	return gw_sdp_browser_read(&offer, sdp, strlen(sdp), codecs,
				   codec_count, &why) ?
		       why :
		       NULL;
}

/* Addresses ----------------------------------------------------------------- */

static void add_address(struct gw_browser *b, const char *address)
{
	char *text = b->text[b->address_count];

	if (b->address_count >= ARRAY_SIZE(b->addresses))
		return;

	str_ncpy(text, address, sizeof(b->text[0]));
	b->addresses[b->address_count++] = text;
}

struct local {
	struct gw_browser *b;
	int af;
	bool loopback; /* is what we look for now */
};

static bool add_local(const char *ifname, const struct sa *sa, void *arg)
{
	const struct local *local = arg;
	char address[48];
	(void)ifname;

	if (sa_af(sa) == local->af && sa_is_loopback(sa) == local->loopback &&
	    !sa_is_linklocal(sa) && !sa_is_any(sa) &&
	    re_snprintf(address, sizeof(address), "%j", sa) > 0)
		add_address(local->b, address);
	return false;
}

/* All addresses of this machine, when the port is bound to all. */
static void add_locals(struct gw_browser *b, const struct sa *bound,
		       bool loopback)
{
	struct local local = { .b = b, .af = sa_af(bound), .loopback = true };

	if (loopback)
		(void)net_getifaddrs(add_local, &local);
	local.loopback = false;
	(void)net_getifaddrs(add_local, &local);
	if (b->address_count)
		return;

	/* a machine without network has itself */
	local.loopback = true;
	(void)net_getifaddrs(add_local, &local);
}

static void choose_addresses(struct gw_browser *b,
			     const struct gw_browser_cfg *cfg,
			     const struct sa *bound)
{
	for (size_t i = 0; i < cfg->address_count; i++)
		add_address(b, cfg->addresses[i]);
	if (b->address_count)
		return;

	if (sa_is_any(bound))
		add_locals(b, bound, cfg->loopback);
	else
		add_address(b, cfg->listen);
}

/* Becoming ready ------------------------------------------------------------ */

static void ready(struct gw_browser *b, int err)
{
	gw_browser_ready_h *h = b->readyh;

	tmr_cancel(&b->tmr);
	b->readyh = NULL;
	b->sdp = mem_deref(b->sdp);
	if (h)
		h(err, b->ready_arg);
}

static void on_timeout(void *arg)
{
	ready(arg, ETIMEDOUT);
}

static int write_answer(struct gw_browser *b, uint16_t port)
{
	uint8_t certificate[GW_MEDIA_CERT_HASH];
	const struct gw_sdp_browser_local local = {
		.session_id = rand_u32(),
		.addresses = b->addresses,
		.address_count = b->address_count,
		.port = port,
		.ice = &b->ice,
		.certificate = certificate,
	};
	struct mbuf *mb = mbuf_alloc(1024);
	int err;

	if (!mb)
		return ENOMEM;

	gw_media_certificate(certificate, b->media);
	err = gw_sdp_browser_answer(mb, &local, b->sdp, strlen(b->sdp),
				    &b->offer);
	mb->pos = 0;
	if (!err)
		err = mbuf_strdup(mb, &b->answer, mb->end);
	explicit_bzero(mb->buf, mb->size);
	mem_deref(mb);
	return err;
}

static void on_opened(struct gw_browser *b, const struct gw_media_fact *fact)
{
	if (b->readyh)
		ready(b, fact->err ? fact->err :
				     write_answer(b, fact->local_port));
}

static void on_fact(const struct gw_media_fact *fact, void *arg)
{
	struct gw_browser *b = arg;

	mem_ref(b);
	if (fact->type == GW_MEDIA_OPENED)
		on_opened(b, fact);
	if (fact->type == GW_MEDIA_CONNECTED)
		b->connected = true;
	if (fact->type == GW_MEDIA_LOST)
		b->lost = fact->err ? fact->err : EPROTO;
	if (b->facth)
		b->facth(fact, b->arg);
	mem_deref(b);
}

/* Birth and death ----------------------------------------------------------- */

static void destructor(void *arg)
{
	struct gw_browser *b = arg;

	tmr_cancel(&b->tmr);
	mem_deref(b->port);
	mem_deref(b->sdp);
	if (b->answer)
		explicit_bzero(b->answer, strlen(b->answer));
	mem_deref(b->answer);
	explicit_bzero(&b->ice, sizeof(b->ice));
}

static int open_port(struct gw_browser *b, const struct sa *bound)
{
	struct gw_media_browser browser = {
		.ours = b->ice,
		.theirs = b->offer.fingerprint,
	};
	int err = gw_media_open(&b->port, b->media, bound, on_fact, b);

	if (!err)
		err = gw_media_browser(b->port, &browser);
	explicit_bzero(&browser, sizeof(browser));
	return err;
}

int gw_browser_alloc(struct gw_browser **bp, const struct gw_browser_cfg *cfg,
		     gw_browser_ready_h *h, void *arg)
{
	struct gw_browser *b;
	const char *why;
	struct sa bound;
	int err;

	if (sa_set_str(&bound, cfg->listen, 0))
		return EINVAL;
	b = mem_zalloc(sizeof(*b), destructor);
	if (!b)
		return ENOMEM;

	b->media = cfg->media;
	b->readyh = h;
	b->ready_arg = arg;
	rand_str(b->ice.ufrag, sizeof(b->ice.ufrag));
	rand_str(b->ice.pwd, sizeof(b->ice.pwd));
	choose_addresses(b, cfg, &bound);
	err = gw_sdp_browser_read(&b->offer, cfg->sdp, strlen(cfg->sdp),
				  cfg->codecs, cfg->codec_count, &why) ?
		      EINVAL :
		      str_dup(&b->sdp, cfg->sdp);
	err = err ? err : open_port(b, &bound);
	if (err) {
		mem_deref(b);
		return err;
	}

	tmr_start(&b->tmr, OPEN_MS, on_timeout, b);
	*bp = b;
	return 0;
}

const char *gw_browser_answer(const struct gw_browser *b)
{
	return b ? b->answer : NULL;
}

void gw_browser_listen(struct gw_browser *b, gw_media_fact_h *facth, void *arg)
{
	b->facth = facth;
	b->arg = arg;
}

struct gw_media_port *gw_browser_take(struct gw_browser *b,
				      struct gw_media_codec *codec)
{
	struct gw_media_port *port = b->port;

	*codec = b->offer.codec;
	b->port = NULL;
	return port;
}

bool gw_browser_is_connected(const struct gw_browser *b)
{
	return b->connected;
}

int gw_browser_lost(const struct gw_browser *b)
{
	return b->lost;
}
