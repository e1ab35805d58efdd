/* A registrar that does what a test tells it, over real sockets in this
 * process. */
#ifndef TESTS_CALLS_REGISTRAR_H
#define TESTS_CALLS_REGISTRAR_H

#include "sip/stack.h"
#include "tests/test.h"

/* One answer. The last one of a script is repeated for ever. */
struct reply {
	uint16_t code; /* 0: silence */
	const char *headers;
	const char *seen_as; /* "192.0.2.7:4242": what Via says we came from */
	const char *unless_authorised; /* header of a 401 that comes before */
};

struct registrar {
	struct gw_stack *stack;
	struct sip *sip;
	struct sa addr;
	const struct reply *script;
	size_t reply_count, replied;
	bool is_deaf; /* answers nothing at all, not even OPTIONS */

	uint32_t registers, authorised, options;
	char uri[128], route[128], contacts[512], call_id[64], via_host[64];
	uint32_t expires, cseq, nc;
	char nonce[64];
	enum sip_transp tp;
	struct udp_sock *sock; /* of the last request; not owned */
};

/* Listens at address (any port) and is closed when the test is over. */
int registrar_open(struct registrar *r, const char *address,
		   enum gw_transport transport);

/* Closes all connections; who comes again is welcome. */
int registrar_hang_up(struct registrar *r);

#define registrar_will(r, ...)                                         \
	do {                                                           \
		static const struct reply script_[] = { __VA_ARGS__ }; \
		(r)->script = script_;                                 \
		(r)->reply_count = ARRAY_SIZE(script_);                \
		(r)->replied = 0;                                      \
	} while (0)

#define CHALLENGE(nonce) \
	"WWW-Authenticate: Digest realm=\"pbx\", nonce=\"" nonce "\"\r\n"

#endif
