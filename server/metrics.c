/* Numbers of all parts, gathered when somebody asks. What has no counter of its
 * own elsewhere is counted here: calls by outcome, refusals, and the two
 * histograms of a call's life. Everything runs on the loop thread.
 *
 * The text is Prometheus' exposition format 0.0.4: of a histogram the buckets
 * are cumulative, sums are seconds. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <re.h>

#include "server/events.h"
#include "server/http.h"
#include "server/log.h"
#include "server/loop.h"
#include "server/metrics.h"
#include "server/sse.h"
#include "server/store.h"
#include "server/webhook.h"
#include "sip/stack.h"

enum {
	OUTCOMES_MAX = 128, /* statuses times classes of causes */
	REJECTIONS_MAX = 32,
	TIMES_BUCKETS = 10,
};

/* A counter with its labels; both strings are static. */
struct counted {
	const char *a, *b;
	uint64_t count;
};

struct times {
	uint64_t bucket[TIMES_BUCKETS]; /* the last one: above all bounds */
	uint64_t count;
	int64_t sum_ms;
};

static const uint32_t setup_bounds_s[TIMES_BUCKETS - 1] = { 1,  2,  5,  10, 15,
							    20, 30, 60, 90 };
static const uint32_t duration_bounds_s[TIMES_BUCKETS - 1] = {
	5, 15, 30, 60, 120, 300, 600, 1800, 3600
};

struct gw_metrics {
	struct gw_metrics_src src;
	time_t started;
	struct counted outcomes[OUTCOMES_MAX];
	struct counted rejections[REJECTIONS_MAX];
	struct times setup, duration;
	uint64_t recordings_saved, recordings_lost;
};

int gw_metrics_alloc(struct gw_metrics **metricsp,
		     const struct gw_metrics_src *src)
{
	struct gw_metrics *m;

	m = mem_zalloc(sizeof(*m), NULL);
	if (!m)
		return ENOMEM;

	m->src = *src;
	m->started = time(NULL);
	*metricsp = m;
	return 0;
}

/* Counting ---------------------------------------------------------------- */

/* A full table counts no new labels: they are a closed list, and it fits. */
static void count(struct counted *table, size_t size, const char *a,
		  const char *b)
{
	for (size_t i = 0; i < size; i++) {
		struct counted *row = &table[i];

		if (!row->a) {
			row->a = a;
			row->b = b;
		}
		if (0 == strcmp(row->a, a) && 0 == str_cmp(row->b, b)) {
			row->count++;
			return;
		}
	}
}

static void count_time(struct times *t, const uint32_t *bounds_s, int64_t ms)
{
	size_t i = 0;

	while (i < TIMES_BUCKETS - 1 && ms > (int64_t)bounds_s[i] * 1000)
		i++;

	t->bucket[i]++;
	t->count++;
	t->sum_ms += ms;
}

void gw_metrics_rejected(struct gw_metrics *m, const char *code)
{
	count(m->rejections, REJECTIONS_MAX, code, "");
}

/* Who has to look: the people on the phones, the far network, the account, or
 * this gateway. */
static const char *cause_class(const char *cause)
{
	static const struct {
		const char *cause, *class;
	} rows[] = {
		/* clang-format off */
		{ "normal_clearing", "normal" }, { "time_limit", "normal" },
		{ "transferred", "normal" },
		{ "no_answer", "party" }, { "ring_timeout", "party" },
		{ "busy", "party" }, { "rejected", "party" },
		{ "confirm_failed", "party" }, { "unavailable", "party" },
		{ "canceled_by_first_leg", "party" },
		{ "canceled_by_api", "api" }, { "expired", "api" },
		{ "not_found", "number" }, { "number_changed", "number" },
		{ "invalid_number", "number" }, { "redirected", "number" },
		{ "not_allowed", "account" }, { "auth_failed", "account" },
		{ "payment_required", "account" },
		{ "policy_denied", "account" },
		{ "line_not_registered", "account" },
		{ "internal_error", "gateway" }, { "capacity", "gateway" },
		{ "server_shutdown", "gateway" }, { "node_lost", "gateway" },
		{ "server_restart", "gateway" },
		/* clang-format on */
	};

	for (size_t i = 0; cause && i < ARRAY_SIZE(rows); i++)
		if (0 == strcmp(rows[i].cause, cause))
			return rows[i].class;

	return "network";
}

void gw_metrics_call_ended(struct gw_metrics *m, const char *status,
			   const char *cause, int64_t setup_ms,
			   int64_t duration_ms)
{
	count(m->outcomes, OUTCOMES_MAX, status, cause_class(cause));
	if (setup_ms < 0)
		return;

	count_time(&m->setup, setup_bounds_s, setup_ms);
	count_time(&m->duration, duration_bounds_s, duration_ms);
}

void gw_metrics_recorded(struct gw_metrics *m, bool saved)
{
	if (saved)
		m->recordings_saved++;
	else
		m->recordings_lost++;
}

/* Printing ------------------------------------------------------------------ */

static int head(struct mbuf *mb, const char *name, const char *type,
		const char *help)
{
	return mbuf_printf(mb, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
			   type);
}

static int number(struct mbuf *mb, const char *name, const char *type,
		  const char *help, double value)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%.15g", value);
	return head(mb, name, type, help) ||
	       mbuf_printf(mb, "%s %s\n", name, text);
}

/* counts[] isn't cumulative; the last one lies above all bounds. */
static int histogram(struct mbuf *mb, const char *name, const char *help,
		     const uint64_t *counts, const uint32_t *bounds, size_t n,
		     double unit_s, double sum_s)
{
	uint64_t all = 0;
	char text[96];
	int err;

	err = head(mb, name, "histogram", help);
	for (size_t i = 0; i < n; i++) {
		all += counts[i];
		if (i + 1 < n)
			(void)snprintf(text, sizeof(text), "%.9g",
				       bounds[i] * unit_s);
		else
			(void)snprintf(text, sizeof(text), "+Inf");
		err |= mbuf_printf(mb, "%s_bucket{le=\"%s\"} %llu\n", name,
				   text, (unsigned long long)all);
	}

	(void)snprintf(text, sizeof(text), "_sum %.9g", sum_s);
	err |= mbuf_printf(mb, "%s%s\n%s_count %llu\n", name, text, name,
			   (unsigned long long)all);
	return err;
}

static int print_calls(struct mbuf *mb, const struct gw_metrics *m)
{
	int err;

	err = head(mb, "bellpull_calls_total", "counter",
		   "Calls that have ended, by outcome.");
	for (const struct counted *row = m->outcomes;
	     row < m->outcomes + OUTCOMES_MAX && row->a; row++)
		err |= mbuf_printf(mb,
				   "bellpull_calls_total{result=\"%s\","
				   "cause_class=\"%s\"} %llu\n",
				   row->a, row->b,
				   (unsigned long long)row->count);

	err |= head(mb, "bellpull_call_rejected_total", "counter",
		    "Calls that were refused before they began, by code.");
	for (const struct counted *row = m->rejections;
	     row < m->rejections + REJECTIONS_MAX && row->a; row++)
		err |= mbuf_printf(
			mb, "bellpull_call_rejected_total{code=\"%s\"} %llu\n",
			row->a, (unsigned long long)row->count);

	if (m->src.calls_activeh)
		err |= number(mb, "bellpull_calls_active", "gauge",
			      "Calls that have not ended.",
			      m->src.calls_activeh(m->src.arg));

	err |= head(mb, "bellpull_recordings_total", "counter",
		    "Recordings that were to be written, by result.");
	err |= mbuf_printf(mb,
			   "bellpull_recordings_total{result=\"saved\"} %llu\n"
			   "bellpull_recordings_total{result=\"lost\"} %llu\n",
			   (unsigned long long)m->recordings_saved,
			   (unsigned long long)m->recordings_lost);

	err |= histogram(mb, "bellpull_call_setup_seconds",
			 "From the request to the answer, of answered calls.",
			 m->setup.bucket, setup_bounds_s, TIMES_BUCKETS, 1,
			 (double)m->setup.sum_ms / 1000);
	err |= histogram(mb, "bellpull_call_duration_seconds",
			 "From the answer to the end, of answered calls.",
			 m->duration.bucket, duration_bounds_s, TIMES_BUCKETS,
			 1, (double)m->duration.sum_ms / 1000);
	return err;
}

struct line_print {
	struct mbuf *mb;
	int err;
};

static void print_line(const char *line, int registered, void *arg)
{
	struct line_print *p = arg;

	p->err |= mbuf_printf(p->mb,
			      "bellpull_sip_registered{account=\"%s\"} %d\n",
			      line, registered);
}

static int print_lines(struct mbuf *mb, const struct gw_metrics *m)
{
	struct line_print p = { mb, 0 };

	if (!m->src.linesh)
		return 0;

	p.err = head(mb, "bellpull_sip_registered", "gauge",
		     "1: the line is registered.");
	m->src.linesh(print_line, &p, m->src.arg);
	return p.err;
}

static int print_store(struct mbuf *mb, struct gw_store *store)
{
	struct gw_store_stats s;
	int err;

	if (!store)
		return 0;

	gw_store_stats(store, &s);
	err = number(mb, "bellpull_db_up", "gauge",
		     "1: the last commit went well.", !gw_store_health(store));
	err |= histogram(mb, "bellpull_db_commit_seconds",
			 "What a transaction took, many jobs in one.",
			 s.commit_bucket, gw_store_commit_bounds_us,
			 GW_STORE_BUCKETS, 1e-6, (double)s.commit_us_sum / 1e6);
	err |= number(mb, "bellpull_db_commit_failures_total", "counter",
		      "Transactions that the disk refused.",
		      (double)s.failed_commits);
	err |= number(mb, "bellpull_db_jobs_total", "counter",
		      "Jobs that were committed.", (double)s.jobs);
	err |= number(mb, "bellpull_db_queue_length", "gauge",
		      "Jobs that wait for a commit.", s.waiting);
	err |= number(mb, "bellpull_db_queue_bytes", "gauge",
		      "Memory of jobs that wait.", (double)s.waiting_bytes);
	return err;
}

static int print_events(struct mbuf *mb, const struct gw_events *events)
{
	struct gw_events_stats s;
	int err;

	if (!events)
		return 0;

	gw_events_stats(events, &s);
	err = number(mb, "bellpull_events_total", "counter",
		     "Events that were committed to the journal.",
		     (double)s.committed);
	err |= number(mb, "bellpull_events_lost_total", "counter",
		      "Events that could not be kept.", (double)s.lost);
	return err;
}

static int print_sse(struct mbuf *mb, const struct gw_sse *sse)
{
	struct gw_sse_stats s;
	int err;

	if (!sse)
		return 0;

	gw_sse_stats(sse, &s);
	err = number(mb, "bellpull_sse_streams", "gauge",
		     "Event streams that are open.", s.streams);
	err |= number(mb, "bellpull_sse_opened_total", "counter",
		      "Event streams that were opened.", (double)s.opened);
	err |= head(mb, "bellpull_sse_dropped_total", "counter",
		    "Streams that did not get what they asked for.");
	err |= mbuf_printf(mb,
			   "bellpull_sse_dropped_total{reason=\"reset\"} %llu\n"
			   "bellpull_sse_dropped_total{reason=\"full\"} %llu\n"
			   "bellpull_sse_dropped_total{reason=\"storage\"} "
			   "%llu\n",
			   (unsigned long long)s.resets,
			   (unsigned long long)s.refused,
			   (unsigned long long)s.read_errors);
	err |= number(mb, "bellpull_sse_events_total", "counter",
		      "Events that were handed to streams.", (double)s.frames);
	return err;
}

static int print_http(struct mbuf *mb, const struct gw_http *http)
{
	struct gw_http_stats s;
	int err;

	if (!http)
		return 0;

	gw_http_stats(http, &s);
	err = head(mb, "bellpull_http_requests_total", "counter",
		   "Requests that were answered, by class of status.");
	for (unsigned i = 1; i < ARRAY_SIZE(s.by_class); i++)
		err |= mbuf_printf(
			mb,
			"bellpull_http_requests_total{status=\"%uxx\"} %llu\n",
			i, (unsigned long long)s.by_class[i]);
	err |= number(mb, "bellpull_http_connections", "gauge",
		      "Connections that are open.", s.connections);
	err |= number(mb, "bellpull_http_guard_refused_total", "counter",
		      "Requests that the guard refused.",
		      (double)s.guard_refused);
	err |= number(mb, "bellpull_auth_failures_total", "counter",
		      "Requests with a wrong key or without one.",
		      (double)s.auth_failures);
	return err;
}

static int print_loop(struct mbuf *mb)
{
	struct gw_loop_lag lag;
	int err;

	gw_loop_lag(&lag);
	err = histogram(mb, "bellpull_loop_lag_seconds",
			"How late the event loop was, looked at every 5 ms.",
			lag.count, gw_loop_lag_bounds_ms, GW_LOOP_LAG_BUCKETS,
			1e-3, (double)lag.sum_ms / 1000);
	err |= number(mb, "bellpull_log_dropped_total", "counter",
		      "Log records that nobody took in time.",
		      (double)gw_log_dropped());
	return err;
}

/* Pages of memory: all of it, and what is resident. */
static void read_memory(double *virtualp, double *residentp)
{
	const double page = (double)sysconf(_SC_PAGESIZE);
	unsigned long all = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	char text[128] = "", *end = text;

	if (f) {
		if (fgets(text, sizeof(text), f)) {
			all = strtoul(text, &end, 10);
			resident = strtoul(end, NULL, 10);
		}
		(void)fclose(f);
	}
	*virtualp = (double)all * page;
	*residentp = (double)resident * page;
}

static int print_sip(struct mbuf *mb, const struct gw_metrics *m)
{
	static const char name[] = "bellpull_sip_dropped_total";
	struct gw_stack_dropped dropped = { 0 };
	int err;

	if (!m->src.sip_droppedh)
		return 0;

	m->src.sip_droppedh(&dropped, m->src.arg);
	err = head(mb, name, "counter",
		   "What came to the SIP port and was not taken in.");
	err |= mbuf_printf(mb,
			   "%s{reason=\"malformed\"} %llu\n"
			   "%s{reason=\"too_often\"} %llu\n"
			   "%s{reason=\"connections\"} %llu\n",
			   name, (unsigned long long)dropped.malformed, name,
			   (unsigned long long)dropped.too_often, name,
			   (unsigned long long)dropped.connections);
	return err;
}

static int print_webhooks(struct mbuf *mb, const struct gw_metrics *m)
{
	static const char name[] = "bellpull_webhook_deliveries_total";
	struct gw_webhook_stats st;
	int err;

	if (!m->src.webhooks)
		return 0;

	gw_webhooks_stats(m->src.webhooks, &st);
	err = head(
		mb, name, "counter",
		"Deliveries of webhooks: taken, tries that failed, given up.");
	err |= mbuf_printf(mb,
			   "%s{result=\"delivered\"} %llu\n"
			   "%s{result=\"failed\"} %llu\n"
			   "%s{result=\"dead\"} %llu\n",
			   name, (unsigned long long)st.delivered, name,
			   (unsigned long long)st.failed, name,
			   (unsigned long long)st.dead);
	err |= head(mb, "bellpull_webhook_queue_length", "gauge",
		    "Deliveries that wait.");
	err |= mbuf_printf(mb, "bellpull_webhook_queue_length %u\n",
			   st.waiting);
	return err;
}

static int print_process(struct mbuf *mb, const struct gw_metrics *m)
{
	double all, resident;
	struct rusage ru;
	int err;

	(void)getrusage(RUSAGE_SELF, &ru);
	read_memory(&all, &resident);

	err = number(
		mb, "process_cpu_seconds_total", "counter",
		"Processor time used.",
		(double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
			(double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) /
				1e6);
	err |= number(mb, "process_resident_memory_bytes", "gauge",
		      "Memory that is resident.", resident);
	err |= number(mb, "process_virtual_memory_bytes", "gauge",
		      "Memory that is mapped.", all);
	err |= number(mb, "process_max_fds", "gauge",
		      "Files and sockets it may have.", gw_loop_fds());
	err |= number(mb, "process_start_time_seconds", "gauge",
		      "When it was started.", (double)m->started);
	return err;
}

int gw_metrics_print(struct mbuf *mb, const struct gw_metrics *m)
{
	int err;

	err = head(mb, "bellpull_build_info", "gauge", "The version.");
	err |= mbuf_printf(mb, "bellpull_build_info{version=\"%s\"} 1\n",
			   GW_VERSION);
	err |= print_calls(mb, m);
	err |= print_lines(mb, m);
	err |= print_sip(mb, m);
	err |= print_webhooks(mb, m);
	err |= print_store(mb, m->src.store);
	err |= print_events(mb, m->src.events);
	err |= print_sse(mb, m->src.sse);
	err |= print_http(mb, m->src.http);
	err |= print_loop(mb);
	err |= print_process(mb, m);
	return err ? ENOMEM : 0;
}
