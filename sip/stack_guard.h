/* A look at the bytes before libre's parser sees them: linear, without memory and
 * without opinions on what the message means. Pure.
 *
 * libre takes what it is given: its regular expressions need the square of the
 * length where nothing matches (a 64 kB line is seconds of a core), each header is
 * memory, "SIP/2.0 65736" is a 200 to it, and of two Call-IDs the last one wins.
 * So whatever a call could never need is refused here. */
#ifndef BELLPULL_SIP_STACK_GUARD_H
#define BELLPULL_SIP_STACK_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include <re.h>

enum {
	GW_GUARD_HEADER_MAX = 16 * 1024, /* start line and headers */
	GW_GUARD_MESSAGE_MAX = 60 * 1024,
	GW_GUARD_START_MAX = 1024,
	GW_GUARD_LINE_MAX = 4096,    /* a header, folded lines and all */
	GW_GUARD_ADDRESS_MAX = 1024, /* From, To, a line of Via */
	GW_GUARD_LINES_MAX = 256,
	GW_GUARD_COMMAS_MAX = 512,
};

enum gw_guard_verdict {
	GW_GUARD_PASS,
	GW_GUARD_MORE, /* of a stream: the rest isn't there yet */
	GW_GUARD_DROP, /* of a stream: what follows can't be found either */
};

/* Of a message that passes; call_id points into the text, or is unset. */
struct gw_guard_facts {
	bool is_request;
	struct pl call_id;
};

/* What passes has
 *  - a start line "METHOD URI SIP/2.0" or "SIP/2.0 200 phrase" (100 to 699);
 *  - a header of lines "name: value" that ends with an empty line, within the
 *    bounds above, without control characters (NUL among them) and lone CRs;
 *  - at most one From, To, Call-ID, CSeq, Content-Length and Content-Type, and in a
 *    response the first four, with a Via. A request without is for its reader to
 *    answer 400;
 *  - a Content-Length that is a number, with room for it in GW_GUARD_MESSAGE_MAX,
 *    and a CSeq whose number is below 2^31;
 *  - as much body as it says: in a stream there is MORE to come until then, a
 *    response in a datagram is dropped (RFC 3261 18.3), a request answered 400. */
enum gw_guard_verdict gw_guard_look(struct gw_guard_facts *facts,
				    const char *text, size_t len,
				    bool is_stream);

#endif
