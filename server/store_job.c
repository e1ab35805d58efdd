/* Jobs and reads of the store as things: made, measured and taken apart. And the two
 * shapes of JSON that wait for an id. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <re.h>

#include "server/store_inside.h"

enum {
	JOB_BYTES = 512, /* what a job costs beside its buffers */
	TRY_BYTES = 256, /* what was answered, as a rule */
};

static void call_destructor(void *arg)
{
	struct gw_store_call *call = arg;

	mem_deref(call->to);
	mem_deref(call->from);
	mem_deref(call->line);
	mem_deref(call->project);
	mem_deref(call->key);
	mem_deref(call->click);
	mem_deref(call->client);
	mem_deref(call->number);
	mem_deref(call->from_number);
	mem_deref(call->callback);
	mem_deref(call->snapshot);
	mem_deref(call->ladder);
	mem_deref(call->dialog);
	mem_deref(call->later);
}

struct gw_store_call *gw_store_call_alloc(void)
{
	return mem_zalloc(sizeof(struct gw_store_call), call_destructor);
}

static void idem_destructor(void *arg)
{
	struct gw_store_idem *idem = arg;

	mem_deref(idem->scope_key);
	mem_deref(idem->answer);
}

struct gw_store_idem *gw_store_idem_alloc(void)
{
	return mem_zalloc(sizeof(struct gw_store_idem), idem_destructor);
}

static void dedupe_destructor(void *arg)
{
	struct gw_store_dedupe *dedupe = arg;

	mem_deref(dedupe->scope_key);
}

struct gw_store_dedupe *gw_store_dedupe_alloc(void)
{
	return mem_zalloc(sizeof(struct gw_store_dedupe), dedupe_destructor);
}

static void click_destructor(void *arg)
{
	struct gw_store_click *click = arg;

	mem_deref(click->id);
}

struct gw_store_click *gw_store_click_alloc(void)
{
	return mem_zalloc(sizeof(struct gw_store_click), click_destructor);
}

/* Also of one in an array. */
static void audit_destructor(void *arg)
{
	struct gw_store_audit *a = arg;

	mem_deref(a->code);
	mem_deref(a->rule);
	mem_deref(a->detail);
	mem_deref(a->key);
	mem_deref(a->project);
	mem_deref(a->client);
	mem_deref(a->request_id);
	mem_deref(a->to);
	mem_deref(a->from);
	mem_deref(a->line);
}

struct gw_store_audit *gw_store_audit_alloc(void)
{
	return mem_zalloc(sizeof(struct gw_store_audit), audit_destructor);
}

struct gw_store_erase *gw_store_erase_alloc(void)
{
	return mem_zalloc(sizeof(struct gw_store_erase), NULL);
}

/* Also of one in an array. */
static void delivery_destructor(void *arg)
{
	struct gw_store_delivery *d = arg;

	mem_deref(d->hook);
	mem_deref(d->verdict);
	mem_deref(d->detail);
	mem_deref(d->sha256);
	mem_deref(d->calls);
	mem_deref(d->client);
	mem_deref(d->request_id);
}

struct gw_store_delivery *gw_store_delivery_alloc(void)
{
	return mem_zalloc(sizeof(struct gw_store_delivery),
			  delivery_destructor);
}

static void endpoint_destructor(void *arg)
{
	struct gw_store_endpoint *e = arg;

	mem_deref(e->name);
	mem_deref(e->why);
}

struct gw_store_endpoint *gw_store_endpoint_alloc(void)
{
	return mem_zalloc(sizeof(struct gw_store_endpoint),
			  endpoint_destructor);
}

int gw_store_event_deliver(struct gw_store_event *ev, size_t count)
{
	if (count > GW_STORE_DELIVERIES_MAX)
		return EINVAL;
	ev->deliveries = mem_zalloc(count * sizeof(*ev->deliveries), NULL);
	if (!ev->deliveries)
		return ENOMEM;
	ev->delivery_count = count;
	return 0;
}

void gw_store_event_reset(struct gw_store_event *ev)
{
	for (size_t i = 0; i < ev->delivery_count; i++) {
		mem_deref(ev->deliveries[i].endpoint);
		mem_deref(ev->deliveries[i].url);
	}
	mem_deref(ev->deliveries);
	mem_deref(ev->project);
	mem_deref(ev->key);
	mem_deref(ev->line);
	mem_deref(ev->suffix);
	*ev = (struct gw_store_event){ .type = NULL };
}

static void job_destructor(void *arg)
{
	struct gw_store_job *job = arg;

	for (size_t i = 0; job->events && i < job->event_count; i++)
		gw_store_event_reset(&job->events[i]);
	for (size_t i = 0; i < job->try_count; i++)
		mem_deref(job->tries[i].answer);

	mem_deref(job->events);
	mem_deref(job->call);
	mem_deref(job->idem);
	mem_deref(job->dedupe);
	mem_deref(job->click);
	mem_deref(job->audit);
	mem_deref(job->erase);
	mem_deref(job->delivery);
	mem_deref(job->tries);
	mem_deref(job->endpoint);
	mem_deref(job->key_used);
	mem_deref(job->response);
}

struct gw_store_job *gw_store_job_alloc(size_t event_count)
{
	struct gw_store_job *job;

	job = mem_zalloc(sizeof(*job), job_destructor);
	if (!job)
		return NULL;

	if (event_count) {
		job->events =
			mem_zalloc(event_count * sizeof(*job->events), NULL);
		if (!job->events)
			return mem_deref(job);
		job->event_count = event_count;
	}

	return job;
}

static size_t buffer_bytes(const struct mbuf *mb)
{
	return mb ? mb->size : 0;
}

size_t gw_store_job_bytes(const struct gw_store_job *job)
{
	size_t bytes = JOB_BYTES;

	for (size_t i = 0; i < job->event_count; i++)
		bytes += sizeof(job->events[i]) +
			 buffer_bytes(job->events[i].suffix) +
			 job->events[i].delivery_count *
				 sizeof(*job->events[i].deliveries);

	bytes += job->try_count * (sizeof(*job->tries) + TRY_BYTES);
	if (job->call)
		bytes += sizeof(*job->call) +
			 buffer_bytes(job->call->snapshot) +
			 buffer_bytes(job->call->ladder) +
			 buffer_bytes(job->call->dialog) +
			 buffer_bytes(job->call->later);

	return bytes;
}

static void close_key(struct gw_store_key *key)
{
	mem_deref(key->name);
	mem_deref(key->project);
	mem_deref(key->scopes);
	mem_deref(key->lines);
	mem_deref(key->caller_ids);
}

static void close_usage(struct gw_store_usage *usage)
{
	mem_deref(usage->key);
	mem_deref(usage->project);
	mem_deref(usage->line);
	mem_deref(usage->from);
	mem_deref(usage->number);
	mem_deref(usage->client);
}

void gw_store_row_reset(struct gw_store_row *row)
{
	mem_deref(row->line);
	mem_deref(row->project);
	mem_deref(row->click);
	mem_deref(row->key);
	mem_deref(row->later);
	mem_deref(row->callback);
	mem_deref(row->snapshot);
	mem_deref(row->ladder);
	mem_deref(row->dialog);
	*row = (struct gw_store_row){ .line = NULL };
}

static void read_destructor(void *arg)
{
	struct gw_store_read *rd = arg;

	for (size_t i = 0; i < rd->row_count; i++)
		gw_store_row_reset(&rd->rows[i]);
	for (size_t i = 0; i < rd->event_count; i++) {
		mem_deref(rd->events[i].project);
		mem_deref(rd->events[i].line);
		mem_deref(rd->events[i].json);
	}

	for (size_t i = 0; i < rd->key_count; i++)
		close_key(&rd->keys[i]);
	for (size_t i = 0; i < rd->audit_count; i++)
		audit_destructor(&rd->audits[i]);
	for (size_t i = 0; i < rd->usage_count; i++)
		close_usage(&rd->usages[i]);
	for (size_t i = 0; i < rd->delivery_count; i++)
		delivery_destructor(&rd->deliveries[i]);

	for (size_t i = 0; i < rd->outgoing_count; i++) {
		mem_deref(rd->outgoing[i].endpoint);
		mem_deref(rd->outgoing[i].url);
		mem_deref(rd->outgoing[i].tries);
	}
	for (size_t i = 0; i < rd->endpoint_count; i++)
		endpoint_destructor(&rd->endpoints[i]);

	mem_deref(rd->outgoing);
	mem_deref(rd->endpoints);
	mem_deref(rd->endpoint);
	mem_deref(rd->type);
	mem_deref(rd->rows);
	mem_deref(rd->events);
	mem_deref(rd->keys);
	mem_deref(rd->audits);
	mem_deref(rd->usages);
	mem_deref(rd->deliveries);
	mem_deref(rd->hook);
	mem_deref(rd->status);
	mem_deref(rd->to);
	mem_deref(rd->from);
	mem_deref(rd->line);
	mem_deref(rd->project);
	mem_deref(rd->key);
}

struct gw_store_read *gw_store_read_alloc(enum gw_store_what what)
{
	struct gw_store_read *rd;

	rd = mem_zalloc(sizeof(*rd), read_destructor);
	if (rd) {
		rd->what = what;
		rd->delivery_status = -1;
	}

	return rd;
}

/* The two shapes of JSON that wait for an id -------------------------------- */

static int write_id(struct mbuf *mb, uint64_t id)
{
	char text[24];
	const int n = snprintf(text, sizeof(text), "%" PRIu64, id);

	return mbuf_write_mem(mb, (const uint8_t *)text, (size_t)n);
}

int gw_store_event_json(struct mbuf *mb, uint64_t id, const uint8_t *suffix,
			size_t len)
{
	int err;

	err = mbuf_write_str(mb, "{\"id\":");
	err |= write_id(mb, id);
	err |= mbuf_write_mem(mb, suffix, len);

	if (len && suffix[len - 1] == ':') {
		err |= write_id(mb, id);
		err |= mbuf_write_str(mb, "}}");
	}

	return err ? ENOMEM : 0;
}

int gw_store_snapshot_json(struct mbuf *mb, const uint8_t *snapshot, size_t len,
			   uint64_t last_event_id)
{
	int err;

	if (!len || (snapshot[len - 1] != '}' && snapshot[len - 1] != ':'))
		return EINVAL;

	if (snapshot[len - 1] == ':') {
		err = mbuf_write_mem(mb, snapshot, len);
	} else {
		err = mbuf_write_mem(mb, snapshot, len - 1);
		err |= mbuf_write_str(mb, ",\"last_event_id\":");
	}
	err |= write_id(mb, last_event_id);
	err |= mbuf_write_u8(mb, '}');

	return err ? ENOMEM : 0;
}
