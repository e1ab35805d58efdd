/* sip/stack_transport.c - from where we speak: the address and the transport that
 * reach somebody, opened when first needed.
 *
 * libre is bound to real addresses only. An "auto" place of the configuration
 * becomes the address that the system would send from. */
#include "sip/stack_impl.h"

#include <errno.h>
#include <unistd.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

#include "sip/libre/entry.h"

enum {
	RECEIVE_BUFFER_BYTES = 4 << 20,
	CONNECTIONS_WAITING = 1024, /* before we accept them; libre: 5 */
	FD_SCAN_MAX = 65536,
};

static const enum sip_transp transps[] = {
	[GW_TRANSPORT_UDP] = SIP_TRANSP_UDP,
	[GW_TRANSPORT_TCP] = SIP_TRANSP_TCP,
	[GW_TRANSPORT_TLS] = SIP_TRANSP_TLS,
};

/* Opening ----------------------------------------------------------------- */

/* libre keeps the fd of what it has just opened to itself. -1: not found. */
static int find_socket(const struct sa *laddr, int wanted)
{
	long fd_max = sysconf(_SC_OPEN_MAX);

	if (fd_max < 0 || fd_max > FD_SCAN_MAX)
		fd_max = FD_SCAN_MAX;

	for (int fd = 0; fd < (int)fd_max; fd++) {
		struct sa addr;
		int type = 0;
		socklen_t len = sizeof(type);

		sa_init(&addr, AF_UNSPEC);
		addr.len = sizeof(addr.u);
		if (getsockname(fd, &addr.u.sa, &addr.len) ||
		    !sa_cmp(&addr, laddr, SA_ALL))
			continue;
		if (!getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) &&
		    type == wanted)
			return fd;
	}

	return -1;
}

/* The UDP socket takes the answers to all calls; a burst after a stall of the
 * disk must not overflow it. */
static void widen_receive_buffer(const struct sa *laddr)
{
	const int bytes = RECEIVE_BUFFER_BYTES;
	const int fd = find_socket(laddr, SOCK_DGRAM);

	if (fd >= 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes,
				 sizeof(bytes));
}

/* A second listen() only changes how many may wait. */
static void widen_queue(const struct sa *laddr)
{
	const int fd = find_socket(laddr, SOCK_STREAM);

	if (fd >= 0)
		(void)listen(fd, CONNECTIONS_WAITING);
}

static int tls_context(struct gw_stack *stack)
{
	struct tls *tls;
	int err;

	if (stack->tls)
		return 0;
	if (!stack->ca_file)
		return ENOTSUP;

	err = tls_alloc(&tls, TLS_METHOD_SSLV23, stack->certificate, NULL);
	if (err)
		return err;

	err = tls_add_ca(tls, stack->ca_file);
	if (err)
		goto out;

	if (1 != SSL_CTX_set_min_proto_version(tls_openssl_context(tls),
					       TLS1_2_VERSION))
		err = ENOTSUP;

out:
	if (err)
		mem_deref(tls);
	else
		stack->tls = tls;
	return err;
}

/* libre would share a TCP port with other programs of its kind (SO_REUSEPORT),
 * and each would get half of the connections: asked without. */
static int tcp_port_is_free(const struct sa *laddr)
{
	const int on = 1;
	int fd, err = 0;

	fd = socket(sa_af(laddr), SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;

	/* connections of a former life don't count */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &laddr->u.sa, laddr->len))
		err = errno;

	(void)close(fd);
	return err;
}

static int add_transport(struct gw_stack_endpoint *ep,
			 enum gw_transport transport, const struct sa *laddr)
{
	int err = 0;

	if (transport != GW_TRANSPORT_UDP && sa_port(laddr))
		err = tcp_port_is_free(laddr);

	return err ? err :
		     gw_entry_add_transport(ep->entry, ep->sip,
					    transps[transport], laddr,
					    ep->stack->tls);
}

int gw_stack_transport_up(struct gw_stack_endpoint *ep,
			  enum gw_transport transport, uint16_t port,
			  bool any_port_will_do)
{
	struct sa laddr = ep->addr;
	int err;

	if (ep->is_up[transport])
		return 0;

	if (transport == GW_TRANSPORT_TLS) {
		err = tls_context(ep->stack);
		if (err)
			return err;
	}

	sa_set_port(&laddr, port);
	err = add_transport(ep, transport, &laddr);
	if (err == EADDRINUSE && any_port_will_do && port) {
		sa_set_port(&laddr, 0);
		err = add_transport(ep, transport, &laddr);
	}
	if (err)
		return err;

	ep->is_up[transport] = true;
	if (sip_transp_laddr(ep->sip, &laddr, transps[transport], &ep->addr))
		return 0;
	if (transport == GW_TRANSPORT_UDP)
		widen_receive_buffer(&laddr);
	else
		widen_queue(&laddr);

	return 0;
}

/* Choosing ---------------------------------------------------------------- */

/* The address we would send from: a connected UDP socket knows, no packet
 * leaves. */
static int ask_source(struct sa *addr, const struct sa *dst)
{
	struct sa to = *dst;
	int fd, err = 0;

	if (!sa_port(&to))
		sa_set_port(&to, SIP_PORT);

	fd = socket(sa_af(&to), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;

	sa_init(addr, sa_af(&to));
	addr->len = sizeof(addr->u);
	if (connect(fd, &to.u.sa, to.len) ||
	    getsockname(fd, &addr->u.sa, &addr->len))
		err = errno;
	else
		sa_set_port(addr, 0);

	(void)close(fd);
	return err;
}

/* Routes seldom change, and calls go to few places: what the kernel said is true
 * for a second. */
static int source_towards(struct sa *addr, const struct sa *dst)
{
	enum { REMEMBERED_MS = 1000 };
	static struct sa last_dst, last_addr;
	static uint64_t until_ms;
	const uint64_t now = tmr_jiffies();
	int err;

	if (now < until_ms && sa_cmp(&last_dst, dst, SA_ADDR)) {
		*addr = last_addr;
		return 0;
	}

	err = ask_source(addr, dst);
	if (!err) {
		last_dst = *dst;
		last_addr = *addr;
		until_ms = now + REMEMBERED_MS;
	}
	return err;
}

/* How well a line of the configuration serves; 0: not at all. */
static int fitness(const struct gw_stack_place *listen, const struct sa *source)
{
	if (!sa_isset(&listen->addr, SA_ADDR))
		return 2;
	if (sa_cmp(&listen->addr, source, SA_ADDR))
		return 3;
	return sa_af(&listen->addr) == sa_af(source) ? 1 : 0;
}

static const struct gw_stack_place *best_listen(const struct gw_stack *stack,
						const struct sa *source,
						enum gw_transport transport,
						bool any_transport)
{
	const struct gw_stack_place *best = NULL;
	int best_fitness = 0;

	for (size_t i = 0; i < stack->listen_count; i++) {
		const struct gw_stack_place *listen = &stack->listens[i];
		int fit = fitness(listen, source);

		if (!any_transport && listen->transport != transport)
			continue;
		if (fit > best_fitness) {
			best = listen;
			best_fitness = fit;
		}
	}

	return best;
}

int gw_stack_sip(struct sip **sipp, struct sa *laddrp, struct gw_stack *stack,
		 enum gw_transport transport, const struct sa *dst)
{
	const struct gw_stack_place *listen;
	struct gw_stack_endpoint *ep;
	struct sa addr;
	uint16_t port;
	bool is_auto;
	int err;

	if (!sipp || !stack || !dst)
		return EINVAL;

	err = source_towards(&addr, dst);
	if (err)
		return err;

	listen = best_listen(stack, &addr, transport, false);
	port = listen ? listen->port : 0;
	if (!listen)
		listen = best_listen(stack, &addr, transport, true);
	if (!listen)
		return EAFNOSUPPORT;

	gw_door_befriend(stack->door, dst);
	is_auto = !sa_isset(&listen->addr, SA_ADDR);
	err = gw_stack_endpoint_at(&ep, stack, is_auto ? &addr : &listen->addr);
	if (err)
		return err;

	err = gw_stack_transport_up(ep, transport, port,
				    is_auto && stack->ports_may_move);
	if (err)
		return err;

	if (laddrp) {
		err = sip_transp_laddr(ep->sip, laddrp, transps[transport],
				       &ep->addr);
		if (err)
			return err;
	}

	*sipp = ep->sip;
	return 0;
}
