/* One SIP identity: what it is called, what it may do, who watches it.
 *
 *   line.c           this: the copied configuration, facts, places for calls
 *   line_way.c       how a request gets to the other side: addresses, Route
 *   line_target.c    which of several proxies it goes to
 *   line_ping.c      which of them are alive
 *   line_exchange.c  one REGISTER with its challenges, 423 and fail-over
 *   line_register.c  the state: registered, until when, what next
 *   line_check.c     "does it work?", answered in a sentence
 *
 * A line never places a call: it tells those who do what a request needs. */
#include <string.h>
#include <sys/time.h>

#include "sip/line_impl.h"

struct gw_line_watch {
	struct le le;
	gw_line_event_h *h;
	void *arg;
};

static const char *const state_names[] = {
	[GW_LINE_UNREGISTERED] = "unregistered",
	[GW_LINE_REGISTERING] = "registering",
	[GW_LINE_REGISTERED] = "registered",
	[GW_LINE_FAILED] = "failed",
	[GW_LINE_UNREGISTERING] = "unregistering",
};

const char *gw_line_state_name(enum gw_line_state state)
{
	return state_names[state];
}

int64_t gw_line_wall_ms(void)
{
	struct timeval now;

	(void)gettimeofday(&now, NULL);
	return (int64_t)now.tv_sec * 1000 + now.tv_usec / 1000;
}

/* ------------------------------------------------------- the configuration */

/* Where the strings and the lists of strings lie in struct gw_line_cfg: a new
 * setting is a new row, and copying and freeing follow. */
static const size_t string_members[] = {
	offsetof(struct gw_line_cfg, name),
	offsetof(struct gw_line_cfg, display_name),
	offsetof(struct gw_line_cfg, user),
	offsetof(struct gw_line_cfg, auth_user),
	offsetof(struct gw_line_cfg, password),
	offsetof(struct gw_line_cfg, domain),
	offsetof(struct gw_line_cfg, caller_number),
	offsetof(struct gw_line_cfg, caller_name),
	offsetof(struct gw_line_cfg, identity_header),
	offsetof(struct gw_line_cfg, auto_answer),
	offsetof(struct gw_line_cfg, dial.country),
	offsetof(struct gw_line_cfg, dial.strip),
	offsetof(struct gw_line_cfg, dial.prefix),
	offsetof(struct gw_line_cfg, dial.format),
};

static const struct list_member {
	size_t list, count;
} list_members[] = {
	{ offsetof(struct gw_line_cfg, proxies),
	  offsetof(struct gw_line_cfg, proxy_count) },
	{ offsetof(struct gw_line_cfg, caller_ids),
	  offsetof(struct gw_line_cfg, caller_id_count) },
	{ offsetof(struct gw_line_cfg, codecs),
	  offsetof(struct gw_line_cfg, codec_count) },
};

static char **string_at(struct gw_line_cfg *cfg, size_t offset)
{
	return (char **)(void *)((char *)cfg + offset);
}

static char ***list_at(struct gw_line_cfg *cfg, size_t offset)
{
	return (char ***)(void *)((char *)cfg + offset);
}

static size_t *count_at(struct gw_line_cfg *cfg, size_t offset)
{
	return (size_t *)(void *)((char *)cfg + offset);
}

static void free_cfg(struct gw_line_cfg *cfg)
{
	char *password =
		*string_at(cfg, offsetof(struct gw_line_cfg, password));

	if (password) /* nothing of it stays in freed memory */
		explicit_bzero(password, strlen(password));

	for (size_t i = 0; i < ARRAY_SIZE(string_members); i++)
		mem_deref(*string_at(cfg, string_members[i]));

	for (size_t i = 0; i < ARRAY_SIZE(list_members); i++) {
		char **v = *list_at(cfg, list_members[i].list);

		for (size_t k = 0;
		     v && k < *count_at(cfg, list_members[i].count); k++)
			mem_deref(v[k]);
		mem_deref(v);
	}
}

static int copy_list(char ***listp, const char *const *from, size_t count)
{
	char **v;
	int err = 0;

	v = mem_zalloc(sizeof(*v) * (count ? count : 1), NULL);
	if (!v)
		return ENOMEM;

	*listp = v; /* free_cfg() copes with half a list */
	for (size_t i = 0; i < count && !err; i++)
		err = str_dup(&v[i], from[i]);
	return err;
}

/* Copies all that from points at. On error, too, cfg may be given to
 * free_cfg(). */
static int copy_cfg(struct gw_line_cfg *cfg, const struct gw_line_cfg *from)
{
	struct gw_line_cfg src = *from;
	int err = 0;

	*cfg = src;
	cfg->dial.domain =
		NULL; /* ignored: ours is made from domain and port */
	for (size_t i = 0; i < ARRAY_SIZE(string_members); i++)
		*string_at(cfg, string_members[i]) = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(list_members); i++)
		*list_at(cfg, list_members[i].list) = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(string_members) && !err; i++) {
		const char *s = *string_at(&src, string_members[i]);

		if (s)
			err = str_dup(string_at(cfg, string_members[i]), s);
	}

	for (size_t i = 0; i < ARRAY_SIZE(list_members) && !err; i++) {
		const struct list_member *m = &list_members[i];

		err = copy_list(list_at(cfg, m->list),
				(const char *const *)*list_at(&src, m->list),
				*count_at(&src, m->count));
	}

	return err;
}

/* "pbx.example:5070", "[2001:db8::1]": what stands behind the @. */
static int make_names(struct gw_line *line)
{
	const struct gw_line_cfg *cfg = &line->cfg;
	bool bare_ipv6 = strchr(cfg->domain, ':') && cfg->domain[0] != '[';
	const char *open = bare_ipv6 ? "[" : "", *close = bare_ipv6 ? "]" : "";
	struct pl user;
	char port[8] = "";
	int err;

	pl_set_str(&user, cfg->user);
	if (cfg->port)
		(void)re_snprintf(port, sizeof(port), ":%u", cfg->port);

	err = re_sdprintf(&line->dial_domain, "%s%s%s%s", open, cfg->domain,
			  close, port);
	if (!err)
		err = re_sdprintf(&line->registrar, "sip:%s",
				  line->dial_domain);
	/* RFC 3261 10.2: the address of record names no port of the server */
	if (!err)
		err = re_sdprintf(&line->aor, "sip:%H@%s%s%s", uri_user_escape,
				  &user, open, cfg->domain, close);

	(void)re_snprintf(line->contact_user, sizeof(line->contact_user),
			  "%016llx", rand_u64());
	(void)re_snprintf(line->call_id, sizeof(line->call_id),
			  "%016llx%016llx", rand_u64(), rand_u64());
	(void)re_snprintf(line->from_tag, sizeof(line->from_tag), "%016llx",
			  rand_u64());
	line->cseq = rand_u16();
	return err;
}

/* --------------------------------------------------------- life and events */

static int give_credentials(char **userp, char **passp, const char *realm,
			    void *arg)
{
	return gw_line_credentials(arg, userp, passp, realm);
}

static void destructor(void *data)
{
	struct gw_line *line = data;
	struct le *le;

	gw_line_checks_forget(line);
	line->reg = mem_deref(line->reg);
	line->pings = mem_deref(line->pings);
	gw_line_ways_forget(line);

	while ((le = list_head(&line->watches)) != NULL)
		list_unlink(le); /* they belong to those who watch */

	for (size_t i = 0; line->targets && i < line->target_count; i++)
		mem_deref(line->targets[i].route);
	mem_deref(line->targets);
	mem_deref(line->auth);
	mem_deref(line->aor);
	mem_deref(line->registrar);
	mem_deref(line->dial_domain);
	free_cfg(&line->cfg);
}

int gw_line_alloc(struct gw_line **linep, struct gw_stack *stack,
		  const struct gw_line_cfg *cfg, gw_line_event_h *eventh,
		  void *arg)
{
	struct gw_line *line;
	int err;

	if (!linep || !stack || !cfg || !cfg->name || !cfg->user ||
	    !cfg->domain || !cfg->domain[0])
		return EINVAL;

	line = mem_zalloc(sizeof(*line), destructor);
	if (!line)
		return ENOMEM;

	line->stack = stack;
	line->eventh = eventh;
	line->arg = arg;

	err = copy_cfg(&line->cfg, cfg);
	if (err)
		goto out;

	err = make_names(line);
	if (err)
		goto out;

	err = gw_line_targets_alloc(line);
	if (err)
		goto out;

	err = sip_auth_alloc(&line->auth, give_credentials, line, false);

out:
	if (err)
		mem_deref(line);
	else
		*linep = line;
	return err;
}

/* A watcher may leave, or take others with it, while it is told: so each is
 * taken off a list of those who are still to be told, and put back. */
void gw_line_tell(struct gw_line *line)
{
	struct list untold = LIST_INIT;
	struct le *le;

	mem_ref(line);

	if (line->eventh)
		line->eventh(line, line->arg);

	while ((le = list_head(&line->watches)) != NULL) {
		list_unlink(le);
		list_append(&untold, le, le->data);
	}

	while ((le = list_head(&untold)) != NULL) {
		struct gw_line_watch *watch = le->data;

		list_unlink(le);
		list_append(&line->watches, le, watch);
		watch->h(line, watch->arg);
	}

	mem_deref(line);
}

static void watch_destructor(void *data)
{
	struct gw_line_watch *watch = data;

	list_unlink(&watch->le);
}

int gw_line_watch(struct gw_line_watch **watchp, struct gw_line *line,
		  gw_line_event_h *h, void *arg)
{
	struct gw_line_watch *watch;

	if (!watchp || !line || !h)
		return EINVAL;

	watch = mem_zalloc(sizeof(*watch), watch_destructor);
	if (!watch)
		return ENOMEM;

	watch->h = h;
	watch->arg = arg;
	list_append(&line->watches, &watch->le, watch);

	*watchp = watch;
	return 0;
}

/* ------------------------------------------------------------------- facts */

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

void gw_line_info(const struct gw_line *line, struct gw_line_info *info)
{
	*info = (struct gw_line_info){
		.name = line->cfg.name,
		.state = line->state,
		.registers = line->cfg.do_register,
		.last_code = line->last_code,
		.last_reason = or_null(line->last_reason),
		.expires_s = line->expires_s,
		.server_min_expires_s = line->server_min_expires_s,
		.registered_until_ms = line->registered_until_ms,
		.last_success_ms = line->last_success_ms,
		.next_try_ms = line->next_try_ms,
		.server = or_null(line->server),
		.contacts = or_null(line->contacts),
		.calls = line->calls,
		.excluded_s = gw_line_excluded_s(line),
	};
}

const char *gw_line_name(const struct gw_line *line)
{
	return line->cfg.name;
}

const struct gw_line_cfg *gw_line_cfg(const struct gw_line *line)
{
	return &line->cfg;
}

void gw_line_dial_rules(const struct gw_line *line, struct gw_dial_rules *rules)
{
	*rules = line->cfg.dial;
	rules->domain = line->dial_domain;
}

/* -------------------------------------------------------------- for callers */

int gw_line_enter(struct gw_line *line)
{
	if (line->cfg.max_calls && line->calls >= line->cfg.max_calls)
		return EBUSY;

	++line->calls;
	return 0;
}

void gw_line_leave(struct gw_line *line)
{
	if (line->calls)
		--line->calls;
}

int gw_line_credentials(struct gw_line *line, char **userp, char **passp,
			const char *realm)
{
	const struct gw_line_cfg *cfg = &line->cfg;
	char *user = NULL, *pass = NULL;
	int err;

	(void)realm; /* one password a line, whoever asks: as phones do */

	if (!cfg->password)
		return EAUTH;

	err = str_dup(&user, cfg->auth_user ? cfg->auth_user : cfg->user);
	if (!err)
		err = str_dup(&pass, cfg->password);

	if (err) {
		mem_deref(user);
	} else {
		*userp = user;
		*passp = pass;
	}
	return err;
}
