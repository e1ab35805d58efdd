/* What the files of one line share: line.c (identity), line_way.c (how to get
 * there), line_target.c (which next hop), line_ping.c (is it alive),
 * line_exchange.c (one REGISTER with all its answers), line_register.c (the state
 * of being registered), line_check.c (a verdict for people). Nobody else includes
 * this. */
#ifndef BELLPULL_SIP_LINE_IMPL_H
#define BELLPULL_SIP_LINE_IMPL_H

#include <re.h>

#include "sip/line.h"

enum {
	GW_LINE_HOST_MAX = 255,     /* RFC 1035: a name on the wire */
	GW_LINE_PATIENCE_MS = 4000, /* without any answer: the next proxy */
	GW_LINE_HOLD_DOWN_S = 60,   /* a dead proxy rests, twice as long ... */
	GW_LINE_HOLD_DOWN_MAX_S = 960, /* ... each time, up to this */
	GW_LINE_TEXT_MAX = 192,        /* of reasons, servers */
	GW_LINE_CONTACTS_MAX = 512,
	GW_LINE_URI_MAX = 128, /* of our own Contact */
};

/* Where requests go first: an outbound proxy or the line's own domain. */
struct gw_line_target {
	char *route; /* "sip:proxy:5062;transport=tcp"; NULL: no Route header */
	char host[GW_LINE_HOST_MAX + 1]; /* without brackets */
	uint16_t port;                   /* 0: by DNS */
	enum gw_transport transport;
	uint64_t rests_until;    /* jiffies; 0: fit */
	uint64_t excluded_until; /* jiffies: of Retry-After; 0: not */
	uint32_t deaths;         /* one after the other */
	uint32_t answers;        /* to pings, one after the other */
	bool is_down;            /* since its last death */
	bool of_srv; /* the DNS named it: a numeric Route leads there */
};

enum { GW_LINE_TRANSPORTS = 3 };
struct gw_line_transport {
	enum sip_transp libre;
	const char *name;
	const char *param;
	const char *srv;
};
/* By enum gw_transport. */
extern const struct gw_line_transport gw_line_transports[GW_LINE_TRANSPORTS];

/* A name that was asked for; so that not each call asks again. */
struct gw_line_known {
	char host[GW_LINE_HOST_MAX + 1];
	uint16_t port;
	enum gw_transport transport;
	uint64_t until; /* jiffies */
	struct sa addr;
};

struct gw_line_registration;
struct gw_line_pings;

struct gw_line {
	struct gw_line_cfg cfg; /* strings and arrays are ours: copy_cfg() */
	struct gw_stack *stack; /* outlives us */
	gw_line_event_h *eventh;
	void *arg;
	struct list watches; /* struct gw_line_watch */
	struct list ways;    /* struct gw_line_way_req, under way */
	struct list checks;  /* of line_check.c, under way */
	uint32_t calls;

	char *aor;         /* "sip:858@pbx.example" */
	char *registrar;   /* "sip:pbx.example:5070": the REGISTER's URI */
	char *dial_domain; /* "pbx.example:5070": behind numbers */
	char contact_user[17];

	struct gw_line_target *targets; /* at least one */
	size_t target_count;
	struct gw_line_target own;   /* the domain, where no proxies are set */
	uint64_t srv_until;          /* jiffies; the DNS is asked again then */
	size_t target;               /* picked last: for explanations */
	struct gw_line_pings *pings; /* NULL: none are sent */
	struct gw_line_known known;

	enum gw_line_state state;
	uint16_t last_code;
	char last_reason[GW_LINE_TEXT_MAX]; /* "": none */
	char server[GW_LINE_TEXT_MAX];
	char contacts[GW_LINE_CONTACTS_MAX];
	uint32_t expires_s, server_min_expires_s;
	int64_t registered_until_ms, last_success_ms, next_try_ms;
	struct sa mapped; /* how the registrar sees us, when not as we do */
	bool is_mapped;

	/* RFC 3261 10.2: one Call-ID and a rising CSeq for all REGISTERs */
	char call_id[33], from_tag[17];
	uint32_t cseq;
	struct sip_auth *auth; /* remembers the challenge for refreshes */
	bool auth_primed;
	char bound[GW_LINE_URI_MAX]; /* the Contact the registrar keeps; "" */

	struct gw_line_registration *reg; /* NULL before gw_line_start() */
};

int64_t gw_line_wall_ms(void);

/* line.c: tells the change upwards and to all who watch. */
void gw_line_tell(struct gw_line *line);

/* line_check.c: verdicts that are under way are told at once, or never. */
void gw_line_checks_end(struct gw_line *line);
void gw_line_checks_forget(struct gw_line *line);

/* line_target.c: which target is next, and what became of it. */
int gw_line_targets_alloc(struct gw_line *line);
size_t gw_line_target_pick(struct gw_line *line);
/* What the DNS says of the line's own domain: with several servers they are the
 * targets from now on. What is known of one of them stays known. */
int gw_line_targets_found(struct gw_line *line, struct list *answers);
void gw_line_target_lost(struct gw_line *line, size_t target,
			 uint32_t retry_after_s);
void gw_line_target_fit(struct gw_line *line, size_t target);
void gw_line_target_pinged(struct gw_line *line, size_t target, bool answered,
			   uint32_t retry_after_s);
/* Is one but that fit to be asked? */
bool gw_line_target_other(const struct gw_line *line, size_t target);
bool gw_line_transport_of(enum gw_transport *tpp, const struct pl *params);

/* line_ping.c: where there is a choice. */
int gw_line_pings_start(struct gw_line *line);

/* line_way.c: the way to one target, whatever is said about it. */
int gw_line_way_to(struct gw_line_way_req **reqp, struct gw_line *line,
		   size_t target, gw_line_way_h *h, void *arg);
void gw_line_ways_forget(struct gw_line *line);

/* A sentence for an errno that sending to target ended with. */
void gw_line_explain(char *text, size_t size, const struct gw_line *line,
		     int err);

/* line_exchange.c: the number that a header begins with; 0: none. */
uint32_t gw_line_number_of(const struct sip_msg *msg, enum sip_hdrid id);

/* line_register.c: registers now, whatever the schedule says; h is told how
 * the exchange that is under way (or is started) ends. Deref *waitp to forget.
 * ECANCELED when the line is being stopped. */
struct gw_line_answer;
struct gw_line_wait;
typedef void(gw_line_wait_h)(const struct gw_line_answer *answer, void *arg);
int gw_line_register_now(struct gw_line_wait **waitp, struct gw_line *line,
			 gw_line_wait_h *h, void *arg);

#endif
