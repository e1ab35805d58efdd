/* Where calls, events and idempotency keys are kept: one interface, engines
 * behind it (SQLite now). Its own thread; group commit: all jobs that wait are
 * one transaction. Results come back on the loop thread in the order of jobs.
 * A draft of the interface; its owner is free to grow it. */
#ifndef BELLPULL_SERVER_STORE_H
#define BELLPULL_SERVER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_store;
struct mbuf;

struct gw_store_cfg {
	const char *url;      /* "sqlite:PATH" */
	uint32_t linger_ms;   /* events alone wait this long for company */
	uint32_t keep_days;   /* 0: for ever */
	uint32_t idempotency_hours;
};

/* Opens, checks and migrates; refuses a database that is corrupt or newer.
 * On error why[] (size why_size) says what to do. */
int gw_store_open(struct gw_store **storep, const struct gw_store_cfg *cfg,
		  char *why, size_t why_size);
/* Commits what waits, joins the thread; completions are posted before it returns. */
void gw_store_close(struct gw_store *store);

/* One event as handed in: the bytes around its id. The store writes
 * prefix + decimal id + suffix and gives id back. */
struct gw_store_event {
	const char *type;    /* static string */
	const char *call_id; /* NULL for line.* */
	int64_t seq;	     /* -1: none */
	struct mbuf *suffix; /* everything behind `{"id":N`, owned by the job */
	uint64_t id;	     /* set at commit */
};

/* The call row: searchable columns and the snapshot as JSON. */
struct gw_store_call {
	char id[32];
	const char *status, *state; /* static strings */
	bool ended;
	char *to, *from, *line, *project; /* job's own copies; NULL allowed; only read at insert */
	int64_t created_at_ms;
	struct mbuf *snapshot; /* JSON object */
	struct mbuf *ladder;   /* JSON, or NULL: leave */
	struct mbuf *dialog;   /* or NULL: leave */
	bool insert;	       /* a new row */
};

/* An idempotency row that is inserted with the call, or found. */
struct gw_store_idem {
	char *scope_key;      /* scope + key */
	uint8_t body_sha256[32];
	struct mbuf *response; /* the 201's body, stored */
};

enum gw_idem_verdict { GW_IDEM_NEW, GW_IDEM_REPLAY, GW_IDEM_MISMATCH };

/* A closed job: everything in it belongs to it. Allocate with
 * gw_store_job_alloc(), push hands it over; doneh gets it back on the loop
 * thread and it is freed afterwards. */
struct gw_store_job {
	struct gw_store_call *call;   /* or NULL */
	struct gw_store_event *events;
	size_t event_count;
	struct gw_store_idem *idem;   /* or NULL */
	void (*doneh)(struct gw_store_job *job, void *arg);
	void *arg;
	/* results */
	int err;		      /* 0 when on disk; ENOSPC, EROFS, EIO ... */
	enum gw_idem_verdict verdict; /* REPLAY, MISMATCH: nothing else was written */
	char call_id[32];	      /* REPLAY: the first call's id, and ... */
	struct mbuf *replay;	      /* ... its stored response */
};
int gw_store_push(struct gw_store *store, struct gw_store_job *job);

#endif
