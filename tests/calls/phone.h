/* A phone that does what a test tells it, also what no phone should: a socket and
 * a pen, nothing of libre's transactions behind it. */
#ifndef TESTS_CALLS_PHONE_H
#define TESTS_CALLS_PHONE_H

#include <re.h>

/* A response to the INVITE it was given last. */
struct answer {
	uint16_t code; /* 0: nothing at all */
	const char *reason;
	const char *headers; /* lines with CRLF */
	const char *sdp;
	const char *tag;     /* of To; NULL: the phone's own */
	const char *contact; /* header line; NULL: the phone's own; "": none */
	const char *from;    /* value of From; NULL: as it came */
	uint32_t cseq;       /* 0: as it came */
};

struct phone {
	struct udp_sock *us;
	struct tcp_sock *ts;
	struct tcp_conn *tc;
	struct sa addr, peer;
	char uri[64];

	/* what it does by itself */
	const struct answer *script; /* at each INVITE */
	size_t script_count;
	uint16_t challenge_code;
	const char *challenge;  /* header lines ... */
	unsigned challenges;    /* ... for so many INVITEs */
	bool is_deaf;           /* receives, and does nothing */
	bool ignores_cancel;    /* neither 200 nor 487 */
	bool answers_at_cancel; /* 200 to the INVITE crosses the CANCEL */
	bool ignores_bye;
	bool refuses_reinvite; /* 488 */
	bool sends_on;     /* 302 to each INVITE, to another user of its own */
	uint16_t bye_code; /* 0: 200 */
	/* to all but INVITE, CANCEL and BYE; 0: 202 to REFER, else 200 */
	uint16_t other_code;
	const char *other_headers;
	bool holds_ack_back; /* to a 2xx that it got */
	const char *ack_sdp;

	/* what it has seen: "INVITE ACK BYE 200:OPTIONS", repetitions as "INVITE+" */
	char log[1024];
	struct sip_msg *first; /* INVITE of this call */
	struct sip_msg *invite, *ack, *cancel, *bye, *prack, *other, *response;
	char infos[32]; /* digits that came as INFO */
	unsigned invites, authorised, acks, cancels, byes, pracks;

	char tag[20];
	uint32_t cseq;
	uint32_t branch;
};

int phone_open(struct phone *p, enum sip_transp tp);
void phone_close(struct phone *p);

#define phone_will(p, ...)                                              \
	do {                                                            \
		static const struct answer script_[] = { __VA_ARGS__ }; \
		(p)->script = script_;                                  \
		(p)->script_count = ARRAY_SIZE(script_);                \
	} while (0)

void phone_answer(struct phone *p, const struct answer *answer);

/* A request inside of the dialog of its last INVITE. more: headers with CRLF. */
void phone_request(struct phone *p, const char *method, const char *more,
		   const char *ctype, const char *body);
void phone_sends_text(struct phone *p, const char *text);

/* The value of a header of a kept message; "" when it isn't there. Static. */
const char *phone_header(const struct sip_msg *msg, const char *name);

#define SDP_AT(address, media)                                        \
	"v=0\r\no=- 7 7 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 " address \
	"\r\nt=0 0\r\n" media
#define SDP_PCMA                                              \
	SDP_AT("127.0.0.1", "m=audio 40000 RTP/AVP 8 101\r\n" \
			    "a=rtpmap:8 PCMA/8000\r\n"        \
			    "a=rtpmap:101 telephone-event/8000\r\n")
#define SDP_HOLD \
	SDP_AT("127.0.0.1", "m=audio 40000 RTP/AVP 8\r\na=sendonly\r\n")
#define SDP_ONLY_G729 SDP_AT("127.0.0.1", "m=audio 40000 RTP/AVP 18\r\n")

#endif
