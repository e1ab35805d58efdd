/* One webhook that was proved genuine: each of its calls is mapped, judged and
 * placed as an order of POST /calls would be.
 *
 * What came before is looked up first: a repetition has no part in limits, or a long
 * list that comes again would use them up before it is at its end. A repetition may
 * also come while the first is still on its way to the disk. So the call and the key
 * by which it is known again go into one commit, and the store says whether it was
 * the first; and what would be refused now is looked up once more before it is
 * told. */
#include "server/crm.h"

#include <errno.h>
#include <string.h>

#include <openssl/sha.h>
#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "server/crm_map.h"
#include "server/crm_sign.h"
#include "server/http.h"
#include "server/placing.h"
#include "server/quota.h"
#include "server/registry.h"
#include "server/writer.h"

/* A limit that opens again so soon is worth another try of the CRM's. */
enum { SOON_S = 300 };

static void destructor(void *arg)
{
	struct gw_crm_delivery *d = arg;

	for (size_t i = 0; i < d->count; i++)
		mem_deref(d->results[i].order);
	mem_deref(d->results);
	mem_deref(d->tree);
	mem_deref(d->hook->set);
}

int gw_crm_delivery_alloc(struct gw_crm_delivery **dp,
			  const struct gw_crm_hook *hook,
			  struct gw_http_req *req, struct gw_json_doc *tree,
			  struct gw_refusal *refusal)
{
	struct gw_faults faults = { .count = 0 };
	struct gw_crm_delivery *d;
	size_t count;

	if (gw_crm_count(&count, gw_json_root(tree), hook->each, &faults)) {
		gw_refuse(refusal, 422, "invalid_call", "%s %s.",
			  faults.list[0].pointer, faults.list[0].detail);
		return EINVAL;
	}
	d = mem_zalloc(sizeof(*d), destructor);
	if (!d)
		return ENOMEM;
	d->hook = hook;
	(void)mem_ref(hook->set);
	d->results = mem_zalloc((count + 1) * sizeof(*d->results), NULL);
	if (!d->results) {
		mem_deref(d);
		return ENOMEM;
	}
	d->req = req;
	d->tree = tree;
	d->count = count;
	for (size_t i = 0; i < count; i++)
		d->results[i].delivery = d;
	*dp = d;
	return 0;
}

/* By what it is known again ---------------------------------------------------- */

/* The text of the hook's dedupe, if value has it. */
static int own_id(struct mbuf *mb, const struct gw_crm_delivery *d,
		  const struct gw_json *value)
{
	const char *dedupe = d->hook->dedupe;

	if (dedupe && !strncmp(dedupe, "header:", 7)) {
		const char *id = gw_http_header_in(d->req, dedupe + 7);

		return id ? mbuf_write_str(mb, id) : ENOENT;
	}
	return dedupe ? gw_crm_text(mb, gw_json_find(value, dedupe)) : ENOENT;
}

static void hash_id(struct gw_crm_result *r, const struct mbuf *id)
{
	struct gw_crm_signed s = { .count = 0 };
	char hex[GW_CRM_HEX_SIZE] = "";

	gw_crm_signed_add(&s, id->buf, id->end);
	(void)gw_crm_digest(hex, &s);
	(void)re_snprintf(r->key, sizeof(r->key), "id:%s", hex);
}

/* Headers are the whole request's, so its parts are told apart by number, too. */
static int set_key(struct gw_crm_result *r)
{
	const struct gw_crm_delivery *d = r->delivery;
	const size_t i = (size_t)(r - d->results);
	struct mbuf *mb = mbuf_alloc(64);
	int err = mb ? own_id(mb, d, r->value) : ENOMEM;
	const bool by_header = d->hook->dedupe && d->hook->dedupe[0] == 'h';

	r->remember_s = d->hook->cfg->replay_hours * 3600;
	if (!err && mb->end) {
		if (by_header)
			err = mbuf_printf(mb, " %zu", i);
		hash_id(r, mb);
	} else if (err != ENOMEM) {
		err = 0;
		(void)re_snprintf(r->key, sizeof(r->key), "%s %zu",
				  d->identity.id, i);
		if (d->identity.by_body)
			r->remember_s = GW_CRM_UNSIGNED_S;
	}
	mem_deref(mb);
	(void)SHA256((const uint8_t *)r->key, strlen(r->key), r->sha256);
	return err;
}

/* Results ---------------------------------------------------------------------- */

static void decide(struct gw_crm_result *r, enum gw_crm_outcome outcome)
{
	struct gw_crm_delivery *d = r->delivery;

	r->outcome = outcome;
	if (!--d->pending)
		d->doneh(d);
}

static void decide_refused(struct gw_crm_result *r)
{
	const struct gw_refusal *refusal = &r->refusal;

	gw_refusal_audit(r->delivery->req, r->delivery->hook->key, refusal,
			 &r->words);
	decide(r, refusal->status >= 500 || (refusal->status == 429 &&
					     refusal->retry_s <= SOON_S) ?
			  GW_CRM_LATER :
			  GW_CRM_REFUSED);
}

/* What was decided before: a call, or that there is none. */
static void decide_again(struct gw_crm_result *r, const char *id)
{
	r->replayed = true;
	(void)str_ncpy(r->call_id, id ? id : "", sizeof(r->call_id));
	decide(r, r->call_id[0] ? GW_CRM_PLACED : GW_CRM_SKIPPED);
}

static void recalled(const struct gw_order_placed *placed, void *arg)
{
	struct gw_crm_result *r = arg;

	if (placed->verdict == GW_PLACED_REPLAY)
		decide_again(r, placed->id);
	else
		decide_refused(r);
}

static void refuse(struct gw_crm_result *r)
{
	if (gw_registry_recall(r->delivery->hook->key, r->key, r->sha256,
			       recalled, r))
		decide_refused(r);
}

static void refuse_memory(struct gw_crm_result *r, int err)
{
	r->refusal.retry_s = 1;
	gw_refuse(&r->refusal, 503, "internal",
		  "The call could not be taken: %s.", strerror(err));
	decide_refused(r);
}

/* No call ------------------------------------------------------------------------ */

static void remembered(const struct gw_order_placed *placed, void *arg)
{
	struct gw_crm_result *r = arg;

	if (placed->verdict == GW_PLACED_REPLAY)
		decide_again(r, placed->id);
	else if (placed->verdict == GW_PLACED)
		decide(r, GW_CRM_SKIPPED);
	else
		refuse_memory(r, placed->err);
}

static void skip(struct gw_crm_result *r)
{
	const int err = gw_registry_remember(r->delivery->hook->key, r->key,
					     r->sha256, "{}", r->remember_s,
					     remembered, r);

	if (err)
		refuse_memory(r, err);
}

/* A call ------------------------------------------------------------------------- */

static void placed(const struct gw_order_placed *result, void *arg)
{
	struct gw_crm_result *r = arg;

	switch (result->verdict) {
	case GW_PLACED:
	case GW_PLACED_DUPLICATE:
		(void)str_ncpy(r->call_id, result->id, sizeof(r->call_id));
		decide(r, GW_CRM_PLACED);
		return;
	case GW_PLACED_REPLAY:
		decide_again(r, result->id);
		return;
	case GW_PLACED_MISMATCH:
	case GW_PLACED_SPENT:
	case GW_PLACED_UNKNOWN:
	case GW_PLACED_FAILED:
		break;
	}
	r->refusal.retry_s = 5;
	gw_refuse(&r->refusal, 503, "storage",
		  "The call could not be written to disk (%s); nothing was "
		  "dialled.",
		  strerror(result->err));
	decide_refused(r);
}

static void place(struct gw_crm_result *r, struct gw_placing *p)
{
	struct gw_quota_call counted;
	struct gw_placement placement;
	int err;

	gw_placing_placement(p, &placement, &counted);
	placement.idempotency_key = r->key;
	placement.body_sha256 = r->sha256;
	placement.joins = true;
	placement.remember_s = r->remember_s;
	err = gw_registry_place(&placement, placed, r);
	if (err)
		refuse_memory(r, err);
}

static void refuse_faults(struct gw_crm_result *r,
			  const struct gw_faults *faults)
{
	(void)str_ncpy(r->pointer, faults->list[0].pointer, sizeof(r->pointer));
	gw_refuse(&r->refusal, 422, "invalid_call", "%s %s.",
		  faults->list[0].pointer, faults->list[0].detail);
}

/* Makes the order and looks at it as at any other. Returns 0, EINVAL (the faults
 * say why) or ENOMEM. */
static int read_order(struct gw_crm_result *r, struct gw_placing *p,
		      const struct gw_json *value)
{
	const struct gw_crm_hook *hook = r->delivery->hook;
	int err = gw_crm_map(&r->order, hook->cfg, value, &p->faults);
	const struct gw_placing_source src = {
		.cfg = gw_http_config(r->delivery->req),
		.body = gw_json_root(r->order),
		.from_form = true, /* what is mapped is text */
		.key = hook->key,
		.client = gw_http_client(r->delivery->req),
	};

	if (!err && !gw_placing_check(p, &src))
		err = EINVAL;
	r->words = (struct gw_refusal_order){ p->order.to, p->order.from,
					      p->order.line };
	return err;
}

static void order(struct gw_crm_result *r)
{
	const struct gw_crm_delivery *d = r->delivery;
	struct gw_placing p = { .order = { .to = NULL } };
	int err;

	if (!gw_placing_admit(gw_http_config(d->req), d->hook->key,
			      &r->refusal)) {
		refuse(r);
		return;
	}
	err = read_order(r, &p, r->value);
	if (err == EINVAL)
		refuse_faults(r, &p.faults);
	if (err == EINVAL || (!err && !gw_placing_judge(&p, &r->refusal)))
		refuse(r);
	else if (err)
		refuse_memory(r, err);
	else
		place(r, &p);
}

static void begin(struct gw_crm_result *r)
{
	const struct gw_json_doc *when = r->delivery->hook->cfg->when;

	if (gw_crm_holds(gw_json_root(when), r->value))
		order(r);
	else
		skip(r);
}

static void looked_up(const struct gw_order_placed *placed, void *arg)
{
	struct gw_crm_result *r = arg;

	if (placed->verdict == GW_PLACED_REPLAY)
		decide_again(r, placed->id);
	else
		begin(r);
}

static void look_up(struct gw_crm_result *r)
{
	if (gw_registry_recall(r->delivery->hook->key, r->key, r->sha256,
			       looked_up, r))
		begin(r);
}

void gw_crm_deliver(struct gw_crm_delivery *d,
		    void (*doneh)(struct gw_crm_delivery *d))
{
	const struct gw_json *tree = gw_json_root(d->tree);

	d->doneh = doneh;
	d->pending =
		d->count + 1; /* one for us: nobody is done before all began */
	for (size_t i = 0; i < d->count; i++) {
		struct gw_crm_result *r = &d->results[i];
		int err;

		r->value = gw_crm_element(tree, d->hook->each, i);
		err = set_key(r);
		if (err)
			refuse_memory(r, err);
		else
			look_up(r);
	}
	if (!--d->pending)
		doneh(d);
}

/* Only trying -------------------------------------------------------------------- */

static void write_order(struct gw_writer *w, const struct gw_json_doc *order)
{
	struct mbuf *mb = order ? mbuf_alloc(512) : NULL;

	if (mb && !gw_json_print(mb, gw_json_root(order)))
		gw_write_raw(w, "order", (const char *)mb->buf, mb->end);
	else
		gw_write_null(w, "order");
	mem_deref(mb);
}

static void write_faults(struct gw_writer *w, const struct gw_faults *faults)
{
	gw_write_open(w, "errors", '[');
	for (size_t i = 0; i < faults->count; i++) {
		gw_write_open(w, NULL, '{');
		gw_write_string(w, "pointer", faults->list[i].pointer);
		gw_write_string(w, "detail", faults->list[i].detail);
		gw_write_close(w, '}');
	}
	gw_write_close(w, ']');
}

static void write_try(struct gw_writer *w, struct gw_crm_result *r,
		      const struct gw_json *value)
{
	const struct gw_json_doc *when = r->delivery->hook->cfg->when;
	const bool holds = gw_crm_holds(gw_json_root(when), value);
	struct gw_placing p = { .order = { .to = NULL } };
	const int err = read_order(r, &p, value);

	if (err && err != EINVAL)
		w->err = err;
	gw_write_open(w, NULL, '{');
	gw_write_bool(w, "places", holds && !err);
	gw_write_bool(w, "when", holds);
	write_order(w, r->order);
	write_faults(w, &p.faults);
	if (err)
		gw_write_null(w, "dry_run");
	else
		gw_placing_write_dry_run(w, "dry_run", &p);
	gw_write_close(w, '}');
}

void gw_crm_write_test(struct gw_writer *w, struct gw_crm_delivery *d)
{
	for (size_t i = 0; i < d->count; i++)
		write_try(w, &d->results[i],
			  gw_crm_element(gw_json_root(d->tree), d->hook->each,
					 i));
}
