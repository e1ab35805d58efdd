/* sip/libre/entry.c - what comes in is looked at before libre takes it: see entry.h.
 *
 *   udp_listen       the new socket gets a helper, which sees each datagram first
 *   tcp_listen       the new socket is remembered
 *   tcp_accept       a connection on a remembered socket may be turned away
 *   sip_msg_decode   bytes that gw_guard_look() refuses never reach the parser
 *
 * A datagram that can't be read is dropped in the helper, in silence: libre would
 * write a line to stderr for each, and disks fill. So it is decoded there, and
 * libre is handed the result when it asks for it. */
#include "sip/libre/entry.h"

#include <errno.h>
#include <string.h>

#include "sip/stack_guard.h"

enum {
	LAYER = 0,
	LISTENERS_MAX = 2, /* TCP, TLS */
};

struct gw_entry {
	struct le le; /* in entries */
	struct udp_sock *us;
	struct udp_helper *helper;
	const struct tcp_sock *listeners[LISTENERS_MAX]; /* to be compared */
	size_t listener_count;
	gw_entry_datagram_h *datagramh;
	gw_entry_connection_h *connectionh;
	void *arg;
	uint64_t malformed;
	int err; /* of the hooks below, for gw_entry_add_transport() */
};

/* Of the loop's thread. */
static struct list entries;

/* The one that opens a socket now. The media thread opens sockets too. */
static _Thread_local struct gw_entry *opening;

/* A datagram that has been decoded, until libre asks for it. */
static struct {
	struct sip_msg *msg;
	const struct mbuf *mb;
	size_t body;
} decoded;

int __real_udp_listen(struct udp_sock **usp, const struct sa *local,
		      udp_recv_h *rh, void *arg);
int __wrap_udp_listen(struct udp_sock **usp, const struct sa *local,
		      udp_recv_h *rh, void *arg);
int __real_tcp_listen(struct tcp_sock **tsp, const struct sa *local,
		      tcp_conn_h *ch, void *arg);
int __wrap_tcp_listen(struct tcp_sock **tsp, const struct sa *local,
		      tcp_conn_h *ch, void *arg);
int __real_tcp_accept(struct tcp_conn **tcp, struct tcp_sock *ts,
		      tcp_estab_h *eh, tcp_recv_h *rh, tcp_close_h *ch,
		      void *arg);
int __wrap_tcp_accept(struct tcp_conn **tcp, struct tcp_sock *ts,
		      tcp_estab_h *eh, tcp_recv_h *rh, tcp_close_h *ch,
		      void *arg);
int __real_sip_msg_decode(struct sip_msg **msgp, struct mbuf *mb);
int __wrap_sip_msg_decode(struct sip_msg **msgp, struct mbuf *mb);

/* Decoding ------------------------------------------------------------------ */

/* What can be seen in a message that has been read: maddr would send our answer to
 * somebody who has not asked, and a response with two Vias isn't for us (RFC 3261
 * 8.1.3.3). */
static bool is_foul(const struct sip_msg *msg)
{
	struct pl value;

	if (msg->req)
		return !msg_param_decode(&msg->via.params, "maddr", &value);

	return sip_msg_hdr_count(msg, SIP_HDR_VIA) != 1;
}

/* Of what has passed. */
static int decode(struct sip_msg **msgp, struct mbuf *mb)
{
	const size_t start = mb->pos;
	struct sip_msg *msg;
	int err;

	err = __real_sip_msg_decode(&msg, mb);
	if (err)
		return err == ENODATA ? EBADMSG : err;

	if (is_foul(msg)) {
		mem_deref(msg);
		mb->pos = start;
		return EBADMSG;
	}

	*msgp = msg;
	return 0;
}

static enum gw_guard_verdict look(struct gw_guard_facts *facts,
				  const struct mbuf *mb, bool is_stream)
{
	return gw_guard_look(facts, (const char *)mbuf_buf(mb),
			     mbuf_get_left(mb), is_stream);
}

static int decode_stream(struct sip_msg **msgp, struct mbuf *mb)
{
	struct gw_guard_facts facts;

	switch (look(&facts, mb, true)) {
	case GW_GUARD_PASS:
		return decode(msgp, mb);
	case GW_GUARD_MORE:
		return ENODATA;
	default:
		return EBADMSG;
	}
}

int __wrap_sip_msg_decode(struct sip_msg **msgp, struct mbuf *mb)
{
	if (!msgp || !mb)
		return EINVAL;

	if (!decoded.msg || decoded.mb != mb)
		return decode_stream(msgp, mb);

	*msgp = decoded.msg;
	decoded.msg = NULL;
	mb->pos = decoded.body;
	return 0;
}

/* Datagrams ----------------------------------------------------------------- */

/* RFC 5389 6: two zero bits, a length of whole words, the cookie. */
static bool is_stun(const struct mbuf *mb)
{
	static const uint8_t cookie[] = { 0x21, 0x12, 0xa4, 0x42 };
	const uint8_t *p = mbuf_buf(mb);
	const size_t len = mbuf_get_left(mb);

	return len >= STUN_HEADER_SIZE && !(p[0] & 0xc0) &&
	       (size_t)(p[2] << 8 | p[3]) + STUN_HEADER_SIZE == len &&
	       !(len & 3) && !memcmp(p + 4, cookie, sizeof(cookie));
}

/* What isn't STUN after all libre would take for SIP. */
static bool can_be_read(struct mbuf *mb)
{
	const size_t start = mb->pos;
	struct stun_unknown_attr unknown;
	struct stun_msg *msg;
	const int err = stun_msg_decode(&msg, mb, &unknown);

	mb->pos = start;
	if (err)
		return false;
	mem_deref(msg);
	return true;
}

static bool datagram_came(struct sa *src, struct mbuf *mb, void *arg)
{
	struct gw_entry *entry = arg;
	const size_t start = mb->pos;
	struct gw_guard_facts facts;

	if (mbuf_get_left(mb) <= 4)
		return false; /* a keep-alive: libre doesn't look at it */
	if (is_stun(mb))
		return !entry->datagramh(src, NULL, entry->arg) ||
		       !can_be_read(mb);

	if (look(&facts, mb, false) != GW_GUARD_PASS) {
		++entry->malformed;
		return true;
	}
	if (!entry->datagramh(src, &facts, entry->arg))
		return true;

	decoded.msg = mem_deref(decoded.msg);
	if (decode(&decoded.msg, mb)) {
		++entry->malformed;
		return true;
	}

	/* libre asks whether it is STUN first, from where it stands */
	decoded.mb = mb;
	decoded.body = mb->pos;
	mb->pos = start;
	return false;
}

int __wrap_udp_listen(struct udp_sock **usp, const struct sa *local,
		      udp_recv_h *rh, void *arg)
{
	struct gw_entry *entry = opening;
	int err;

	err = __real_udp_listen(usp, local, rh, arg);
	if (err || !entry || entry->us)
		return err;

	entry->err = udp_register_helper(&entry->helper, *usp, LAYER, NULL,
					 datagram_came, entry);
	if (!entry->err)
		entry->us = mem_ref(*usp);
	return 0;
}

/* Connections --------------------------------------------------------------- */

int __wrap_tcp_listen(struct tcp_sock **tsp, const struct sa *local,
		      tcp_conn_h *ch, void *arg)
{
	struct gw_entry *entry = opening;
	int err;

	err = __real_tcp_listen(tsp, local, ch, arg);
	if (!err && entry && entry->listener_count < LISTENERS_MAX)
		entry->listeners[entry->listener_count++] = *tsp;
	return err;
}

static const struct gw_entry *watcher_of(const struct tcp_sock *ts)
{
	for (const struct le *le = list_head(&entries); le; le = le->next) {
		const struct gw_entry *entry = le->data;

		for (size_t i = 0; i < entry->listener_count; i++) {
			if (entry->listeners[i] == ts)
				return entry;
		}
	}

	return NULL;
}

int __wrap_tcp_accept(struct tcp_conn **tcp, struct tcp_sock *ts,
		      tcp_estab_h *eh, tcp_recv_h *rh, tcp_close_h *ch,
		      void *arg)
{
	const struct gw_entry *entry = watcher_of(ts);
	struct tcp_conn *conn = NULL;
	struct sa peer;
	int err;

	err = __real_tcp_accept(&conn, ts, eh, rh, ch, arg);
	if (err)
		return err;

	if (entry &&
	    (tcp_conn_peer_get(conn, &peer) ||
	     !entry->connectionh(&peer, tcp_conn_fd(conn), entry->arg))) {
		mem_deref(conn);
		return ECONNREFUSED;
	}

	*tcp = conn;
	return 0;
}

/* The whole ----------------------------------------------------------------- */

static void destructor(void *arg)
{
	struct gw_entry *entry = arg;

	list_unlink(&entry->le);
	mem_deref(entry->helper);
	mem_deref(entry->us);
}

int gw_entry_alloc(struct gw_entry **entryp, gw_entry_datagram_h *datagramh,
		   gw_entry_connection_h *connectionh, void *arg)
{
	struct gw_entry *entry;

	entry = mem_zalloc(sizeof(*entry), destructor);
	if (!entry)
		return ENOMEM;

	entry->datagramh = datagramh;
	entry->connectionh = connectionh;
	entry->arg = arg;
	list_append(&entries, &entry->le, entry);
	*entryp = entry;
	return 0;
}

uint64_t gw_entry_malformed(const struct gw_entry *entry)
{
	return entry->malformed;
}

int gw_entry_add_transport(struct gw_entry *entry, struct sip *sip,
			   enum sip_transp tp, const struct sa *laddr,
			   struct tls *tls)
{
	int err;

	entry->err = 0;
	opening = entry;
	err = sip_transp_add(sip, tp, laddr, tls);
	opening = NULL;

	return err ? err : entry->err;
}
