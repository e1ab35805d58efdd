/* Loading a configuration: defaults, then the file, then the environment, then
 * the checks. Everything that is wrong is gathered and told at once.
 *
 *   config_table.c   the rows           config_value.c   one value to one row
 *   config_form.c    forms of strings   secret.c         secrets by reference
 *   config_check.c   how it all fits    config_hint.c    did you mean
 *   config_env.c     variables      config_help.c    for people
 *
 * The walk through the file follows the table: a member is a setting if there is
 * a row of its pointer, an object to go into if rows begin with its pointer, and
 * unknown otherwise. Lines and keys are groups: arrays of objects, each with a
 * struct of its own; in the table an N stands for the number. */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <re_types.h>
#include <re_mbuf.h>
#include <re_mem.h>

#include "config/config_load.h"
#include "config/config_table.h"
#include "config/json.h"
#include "config/secret.h"

enum {
	FILE_MAX = 1024 * 1024, /* bytes of a configuration file */
	POINTER_SIZE = 256,
	WHY_SIZE = 320
};

struct gw_config_loader {
	struct gw_config *cfg;
	struct gw_json_doc *doc; /* of the file, or NULL */
	struct gw_config_errors *errs;
	const char *variable; /* being read, or NULL */
	bool use_env;
	bool no_memory;
};

/* An array of objects, each with a struct. */
static const struct group {
	const char *pointer;
	const char *prefix; /* of its rows */
	size_t size;        /* of one struct */
	size_t array;       /* where struct gw_config points to the first */
	size_t count;       /* where it counts them */
	size_t max;
} groups[] = {
	{ "/lines", "/lines/N/", sizeof(struct gw_config_line),
	  offsetof(struct gw_config, lines),
	  offsetof(struct gw_config, line_count), GW_CONFIG_LINES_MAX },
	{ "/keys", "/keys/N/", sizeof(struct gw_config_key),
	  offsetof(struct gw_config, keys),
	  offsetof(struct gw_config, key_count), GW_CONFIG_KEYS_MAX },
};

static void **group_array(const struct group *g, struct gw_config *cfg)
{
	return (void **)(void *)((char *)cfg + g->array);
}

static size_t *group_count(const struct group *g, struct gw_config *cfg)
{
	return (size_t *)(void *)((char *)cfg + g->count);
}

static void *group_at(const struct group *g, struct gw_config *cfg, size_t i)
{
	return (char *)*group_array(g, cfg) + i * g->size;
}

static const struct group *group_of_pointer(const char *pointer)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (!strcmp(groups[i].pointer, pointer))
			return &groups[i];
	}

	return NULL;
}

static const struct group *group_of_row(const struct gw_config_row *row)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if (!strncmp(row->pointer, groups[i].prefix,
			     strlen(groups[i].prefix)))
			return &groups[i];
	}

	return NULL;
}

static int defaults_of(const struct group *g, void *base)
{
	const struct gw_config_row *row = NULL;
	int err;

	while ((row = gw_config_row_next(row, g ? g->prefix : "/"))) {
		if (group_of_row(row) != g)
			continue;
		err = gw_config_value_default(row, base);
		if (err)
			return err;
	}

	return 0;
}

static void reset_all(const struct group *g, void *base)
{
	const struct gw_config_row *row = NULL;

	while ((row = gw_config_row_next(row, g ? g->prefix : "/"))) {
		if (group_of_row(row) == g)
			gw_config_value_reset(row, base);
	}
}

static void config_destructor(void *arg)
{
	struct gw_config *cfg = arg;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		const struct group *g = &groups[i];

		for (j = 0; j < *group_count(g, cfg); j++)
			reset_all(g, group_at(g, cfg, j));
		mem_deref(*group_array(g, cfg));
	}

	reset_all(NULL, cfg);
}

/* One more line or key, with its defaults. */
static int group_grow(const struct group *g, struct gw_config *cfg)
{
	size_t count = *group_count(g, cfg);
	char *array;

	array = mem_zalloc((count + 1) * g->size, NULL);
	if (!array)
		return ENOMEM;

	if (count)
		memcpy(array, *group_array(g, cfg), count * g->size);
	mem_deref(*group_array(g, cfg));
	*group_array(g, cfg) = array;
	++*group_count(g, cfg);

	return defaults_of(g, array + count * g->size);
}

/* Complaints ------------------------------------------------------------- */

/* Where pointer, or what lies around it, stands in the file. */
static uint32_t line_of(const struct gw_config_loader *ld, const char *pointer)
{
	const struct gw_json *value;
	char buf[POINTER_SIZE], *slash;

	if (!ld->doc)
		return 0;

	(void)snprintf(buf, sizeof(buf), "%s", pointer);
	while (!(value = gw_json_find(gw_json_root(ld->doc), buf))) {
		slash = strrchr(buf, '/');
		if (!slash)
			return 0;
		*slash = '\0';
	}

	return *buf ? gw_json_line(ld->doc, value) : 0;
}

static void name_source(const struct gw_config_loader *ld,
			struct gw_config_error *e)
{
	char variable[sizeof(e->variable)];

	if (ld->variable) {
		(void)snprintf(e->variable, sizeof(e->variable), "%s",
			       ld->variable);
		return;
	}

	gw_config_variable(variable, sizeof(variable), e->pointer);
	if (ld->use_env && getenv(variable))
		memcpy(e->variable, variable, sizeof(variable));
	else
		e->line = line_of(ld, e->pointer);
}

void gw_config_complain(struct gw_config_loader *ld, const char *pointer,
			const char *fmt, ...)
{
	struct gw_config_errors *errs = ld->errs;
	struct gw_config_error *e;
	va_list ap;

	if (errs->count == ARRAY_SIZE(errs->list)) {
		++errs->more;
		return;
	}

	e = &errs->list[errs->count++];
	memset(e, 0, sizeof(*e));
	(void)snprintf(e->pointer, sizeof(e->pointer), "%s", pointer);
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	name_source(ld, e);
}

static bool failed(const struct gw_config_loader *ld)
{
	return ld->no_memory || ld->errs->count;
}

/* The file --------------------------------------------------------------- */

static void set_value(struct gw_config_loader *ld,
		      const struct gw_config_row *row, void *base,
		      const struct gw_json *value, const char *pointer)
{
	char why[WHY_SIZE];
	int err;

	err = gw_config_value_set(row, base, value, why, sizeof(why));
	if (err == ENOMEM)
		ld->no_memory = true;
	else if (err)
		gw_config_complain(ld, pointer, "%s", why);
}

static const struct gw_config_row *row_of(const char *pattern)
{
	const struct gw_config_row *row = NULL;

	while ((row = gw_config_row_next(row, pattern))) {
		if (!strcmp(row->pointer, pattern))
			return row;
	}

	return NULL;
}

/* Words that people bring along from other programs. */
static const char *known_elsewhere(const char *name)
{
	static const char *const words[][2] = {
		{ "username", "user" },        { "login", "user" },
		{ "host", "domain" },          { "server", "domain" },
		{ "registrar", "domain" },     { "auth_id", "auth_user" },
		{ "authid", "auth_user" },     { "auth_name", "auth_user" },
		{ "display", "display_name" }, { "callerid", "caller_id" },
		{ "proxy", "proxies" },        { "key", "secret" },
		{ "secret", "password" },      { "bind", "listen" },
		{ "address", "listen" },       { "outbound_proxy", "proxies" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(words[i][0], name))
			return words[i][1];
	}

	return name;
}

/* The setting below prefix that name may have been meant for. */
static const char *hint(const char *prefix, const char *name, char *buf,
			size_t size)
{
	const struct gw_config_row *row = NULL;
	const char *given = known_elsewhere(name);
	const char *best = NULL;

	while ((row = gw_config_row_next(row, prefix))) {
		const char *start = row->pointer + strlen(prefix);
		const char *names[2] = { NULL, NULL };
		char part[64];

		(void)snprintf(part, sizeof(part), "%.*s",
			       (int)strcspn(start, "/"), start);
		names[0] = part;
		if (!gw_config_nearest(given, names))
			continue;

		if (!best || !strcmp(given, part)) {
			(void)snprintf(buf, size, "%s", part);
			best = buf;
		}
	}

	return best;
}

static void unknown(struct gw_config_loader *ld, const char *pointer,
		    const char *prefix, const char *name)
{
	char buf[64];
	const char *meant = hint(prefix, name, buf, sizeof(buf));

	if (meant)
		gw_config_complain(ld, pointer,
				   "not a setting; did you mean \"%s\"?",
				   meant);
	else
		gw_config_complain(ld, pointer,
				   "not a setting; --help-config lists them");
}

static void walk_object(struct gw_config_loader *ld,
			const struct gw_json *object, const char *pointer,
			const char *pattern, void *base);

static void walk_group(struct gw_config_loader *ld, const struct group *g,
		       const struct gw_json *array)
{
	const struct gw_json *element;
	char pointer[POINTER_SIZE], pattern[POINTER_SIZE];
	size_t i = 0;

	if (gw_json_type(array) != GW_JSON_ARRAY) {
		gw_config_complain(ld, g->pointer,
				   "must be a list of objects in brackets");
		return;
	}

	(void)snprintf(pattern, sizeof(pattern), "%s/N", g->pointer);
	for (element = gw_json_first(array); element;
	     element = gw_json_next(element), i++) {
		(void)snprintf(pointer, sizeof(pointer), "%s/%zu", g->pointer,
			       i);
		if (i >= g->max) {
			gw_config_complain(ld, pointer,
					   "at most %zu are possible", g->max);
			return;
		}
		if (group_grow(g, ld->cfg)) {
			ld->no_memory = true;
			return;
		}
		walk_object(ld, element, pointer, pattern,
			    group_at(g, ld->cfg, i));
	}
}

static void walk_member(struct gw_config_loader *ld,
			const struct gw_json *member, const char *pointer,
			const char *pattern, void *base)
{
	const struct gw_config_row *row = row_of(pattern);
	const struct group *g = group_of_pointer(pattern);
	char prefix[POINTER_SIZE + 1];
	size_t len;

	if (row) {
		set_value(ld, row, base, member, pointer);
		return;
	}
	if (g) {
		walk_group(ld, g, member);
		return;
	}

	(void)snprintf(prefix, sizeof(prefix), "%s/", pattern);
	if (gw_config_row_next(NULL, prefix)) {
		walk_object(ld, member, pointer, pattern, base);
		return;
	}

	len = strlen(prefix) - 1;
	while (len && prefix[len - 1] != '/')
		--len;
	prefix[len] = '\0';
	unknown(ld, pointer, prefix, gw_json_name(member));
}

static void walk_object(struct gw_config_loader *ld,
			const struct gw_json *object, const char *pointer,
			const char *pattern, void *base)
{
	const struct gw_json *member;
	char inner[POINTER_SIZE], inner_pattern[POINTER_SIZE];

	if (gw_json_type(object) != GW_JSON_OBJECT) {
		gw_config_complain(ld, pointer,
				   "must be an object in braces, not %s",
				   gw_json_type_name(gw_json_type(object)));
		return;
	}

	for (member = gw_json_first(object); member && !ld->no_memory;
	     member = gw_json_next(member)) {
		const char *name = gw_json_name(member);

		(void)snprintf(inner, sizeof(inner), "%s", pointer);
		(void)snprintf(inner_pattern, sizeof(inner_pattern), "%s",
			       pattern);
		if (gw_json_pointer_add(inner, sizeof(inner), name) ||
		    gw_json_pointer_add(inner_pattern, sizeof(inner_pattern),
					name))
			gw_config_complain(ld, pointer,
					   "has a member of a name that is no "
					   "setting, and far too long");
		else
			walk_member(ld, member, inner, inner_pattern, base);
	}
}

static void read_text(struct gw_config_loader *ld, const char *text, size_t len)
{
	struct gw_json_error error;
	size_t count;
	int err;

	err = gw_json_parse(&ld->doc, text, len, GW_JSON_FILE | GW_JSON_API,
			    &error);
	if (!err) {
		walk_object(ld, gw_json_root(ld->doc), "", "", ld->cfg);
		return;
	}
	if (err == ENOMEM) {
		ld->no_memory = true;
		return;
	}

	count = ld->errs->count;
	gw_config_complain(ld, error.pointer,
			   "the file stops being JSON with comments here, at "
			   "column %u: %s",
			   error.column, error.text);
	if (ld->errs->count > count)
		ld->errs->list[count].line = error.line;
}

/* The whole file in memory that the caller must wipe: secrets may be in it. */
static int read_file(struct gw_config_loader *ld, const char *path,
		     char **textp, size_t *lenp)
{
	struct stat st;
	size_t len = 0;
	char *text = NULL;
	int fd, err = EINVAL;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st)) {
		gw_config_complain(ld, "", "cannot read %s: %s", path,
				   strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		gw_config_complain(
			ld, "", "%s is no regular file of at most 1 MiB", path);
		goto out;
	}

	text = mem_alloc(FILE_MAX + 1, NULL);
	if (!text) {
		err = ENOMEM;
		goto out;
	}

	while (len <= FILE_MAX) {
		ssize_t n = read(fd, text + len, FILE_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			gw_config_complain(ld, "", "cannot read %s: %s", path,
					   strerror(errno));
			goto out;
		}
		if (!n)
			break;
		len += (size_t)n;
	}

	*textp = text;
	*lenp = len > FILE_MAX ? FILE_MAX : len;
	text = NULL;
	err = 0;

out:
	if (fd >= 0)
		(void)close(fd);
	mem_deref(text);
	return err;
}

static void load_file(struct gw_config_loader *ld, const char *path)
{
	char *text;
	size_t len;
	int err;

	err = read_file(ld, path, &text, &len);
	if (err) {
		ld->no_memory |= err == ENOMEM;
		return;
	}

	read_text(ld, text, len);
	explicit_bzero(text, len);
	mem_deref(text);
}

/* The environment -------------------------------------------------------- */

/* A secret's variable holds the secret, unless it holds a reference. */
static void keep_secret(struct gw_config_loader *ld,
			const struct gw_config_row *row, void *base)
{
	struct gw_secret **secretp;
	char ref[128];

	if (row->type != GW_CONFIG_SECRET)
		return;

	secretp = (struct gw_secret **)(void *)((char *)base + row->offset);
	if (!*secretp || gw_secret_is_reference(*secretp))
		return;

	(void)snprintf(ref, sizeof(ref), "env:%s", ld->variable);
	*secretp = mem_deref(*secretp);
	if (gw_secret_alloc(secretp, ref))
		ld->no_memory = true;
}

static void override(struct gw_config_loader *ld,
		     const struct gw_config_override *o, void *base)
{
	struct gw_json_error error;
	struct gw_json_doc *doc;
	struct mbuf *mb;
	int err;

	mb = mbuf_alloc(256);
	err = mb ? gw_config_override_json(mb, o) : ENOMEM;
	if (!err) {
		err = gw_json_parse(&doc, (char *)mb->buf, mb->end,
				    GW_JSON_FILE | GW_JSON_API, &error);
		explicit_bzero(mb->buf, mb->size);
	}
	mem_deref(mb);

	if (err == EBADMSG) {
		gw_config_complain(ld, o->pointer, "cannot be read: %s",
				   error.text);
		return;
	}
	if (err) {
		ld->no_memory = true;
		return;
	}

	set_value(ld, o->row, base, gw_json_root(doc), o->pointer);
	keep_secret(ld, o->row, base);
	mem_deref(doc);
}

/* Makes lines and keys that only the environment knows: the next number, as
 * often as there is one. */
static void grow_by_env(struct gw_config_loader *ld, const struct group *g)
{
	struct gw_config_override o;
	size_t count;
	char **entry;

	do {
		count = *group_count(g, ld->cfg);
		for (entry = environ; *entry; entry++) {
			if (gw_config_override_read(&o, *entry) &&
			    group_of_row(o.row) == g && o.number == count)
				break;
		}

		if (*entry && count < g->max && group_grow(g, ld->cfg))
			ld->no_memory = true;
	} while (*group_count(g, ld->cfg) > count && !ld->no_memory);
}

static void set_by_variable(struct gw_config_loader *ld,
			    const struct gw_config_override *o)
{
	const struct group *g = group_of_row(o->row);
	size_t count = g ? *group_count(g, ld->cfg) : 0;

	if (!g)
		override(ld, o, ld->cfg);
	else if (o->number < count)
		override(ld, o, group_at(g, ld->cfg, o->number));
	else
		gw_config_complain(ld, o->pointer,
				   "the number is too high: there are %zu, so "
				   "the next one is number %zu",
				   count, count);
}

static void read_variable(struct gw_config_loader *ld, const char *entry)
{
	struct gw_config_override o;
	const char *meant;

	if (gw_config_override_read(&o, entry)) {
		ld->variable = o.variable;
		set_by_variable(ld, &o);
	} else if ((meant = gw_config_override_hint(&o))) {
		ld->variable = o.variable;
		gw_config_complain(ld, "",
				   "no setting has this variable; did you mean "
				   "%s?",
				   meant);
	}

	ld->variable = NULL; /* o goes */
}

static void read_environment(struct gw_config_loader *ld)
{
	size_t i;
	char **entry;

	for (i = 0; i < ARRAY_SIZE(groups); i++)
		grow_by_env(ld, &groups[i]);

	for (entry = environ; *entry && !ld->no_memory; entry++) {
		if (!strncmp(*entry, "BELLPULL_", 9))
			read_variable(ld, *entry);
	}
}

/* Afterwards ------------------------------------------------------------- */

/* "/lines/0/password" */
static void member_pointer(char *buf, size_t size, const struct group *g,
			   size_t i, const struct gw_config_row *row)
{
	(void)snprintf(buf, size, "%s/%zu/%s", g->pointer, i,
		       row->pointer + strlen(g->prefix));
}

static void resolve_secret(struct gw_config_loader *ld,
			   const struct gw_config_row *row,
			   struct gw_secret *secret, const char *pointer)
{
	char why[WHY_SIZE];
	int err;

	if (!secret)
		return;

	err = gw_secret_resolve(secret, ld->cfg->allow_inline, (size_t)row->min,
				why, sizeof(why));
	if (err == ENOMEM)
		ld->no_memory = true;
	else if (err)
		gw_config_complain(ld, pointer, "%s", why);
}

static void resolve_secrets(struct gw_config_loader *ld, const struct group *g)
{
	const struct gw_config_row *row = NULL;
	char pointer[POINTER_SIZE];
	size_t i;

	while ((row = gw_config_row_next(row, g->prefix))) {
		if (row->type != GW_CONFIG_SECRET)
			continue;

		for (i = 0; i < *group_count(g, ld->cfg); i++) {
			char *base = group_at(g, ld->cfg, i);

			member_pointer(pointer, sizeof(pointer), g, i, row);
			resolve_secret(
				ld, row,
				*(struct gw_secret **)(void *)(base +
							       row->offset),
				pointer);
		}
	}
}

/* Whether somebody tried to set it: then its error is told already. */
static bool was_tried(const struct gw_config_loader *ld, const char *pointer)
{
	char variable[POINTER_SIZE];

	gw_config_variable(variable, sizeof(variable), pointer);
	return (ld->use_env && getenv(variable)) ||
	       gw_json_find(gw_json_root(ld->doc), pointer);
}

/* Rows without a default. All of them are pointers. */
static void check_required(struct gw_config_loader *ld, const struct group *g)
{
	const struct gw_config_row *row = NULL;
	char pointer[POINTER_SIZE];
	size_t i;

	while ((row = gw_config_row_next(row, g->prefix))) {
		if (row->json_default)
			continue;

		for (i = 0; i < *group_count(g, ld->cfg); i++) {
			char *base = group_at(g, ld->cfg, i);

			if (*(void **)(void *)(base + row->offset))
				continue;
			member_pointer(pointer, sizeof(pointer), g, i, row);
			if (!was_tried(ld, pointer))
				gw_config_complain(ld, pointer,
						   "is missing. %s", row->help);
		}
	}
}

/* Shares a string or list with another setting. */
static void *share(const void *p)
{
	return mem_ref((void *)(uintptr_t)p);
}

/* What a line takes from its surroundings. */
static void complete_lines(struct gw_config *cfg)
{
	bool has_default = false;
	size_t i;

	for (i = 0; i < cfg->line_count; i++) {
		struct gw_config_line *line = &cfg->lines[i];

		if (!line->name)
			line->name = share(line->user);
		if (!line->country)
			line->country = share(cfg->country);
		if (!line->codecs.count) {
			line->codecs.list = share(cfg->media.codecs.list);
			line->codecs.count = cfg->media.codecs.count;
		}
		has_default |= line->is_default;
	}

	if (cfg->line_count && !has_default)
		cfg->lines[0].is_default = true;
}

static int name_keys(struct gw_config *cfg)
{
	size_t i;

	for (i = 0; i < cfg->key_count; i++) {
		char *name;

		if (cfg->keys[i].name)
			continue;
		name = mem_alloc(32, NULL);
		if (!name)
			return ENOMEM;
		(void)snprintf(name, 32, "key-%zu", i);
		cfg->keys[i].name = name;
	}

	return 0;
}

static void complete(struct gw_config_loader *ld, bool first_run)
{
	struct gw_config *cfg = ld->cfg;
	size_t i;

	if (first_run && !cfg->line_count &&
	    !(ld->use_env && getenv("BELLPULL_SANDBOX")))
		cfg->sandbox = true;

	complete_lines(cfg);
	if (name_keys(cfg)) {
		ld->no_memory = true;
		return;
	}

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		check_required(ld, &groups[i]);
		resolve_secrets(ld, &groups[i]);
	}
	gw_config_cross_check(cfg, ld);
}

/* Where the settings come from. */
struct sources {
	const char *path; /* or NULL */
	const char *text; /* or NULL */
	size_t len;
	bool use_env;
};

static int load(struct gw_config **cfgp, const struct sources *from,
		struct gw_config_errors *errs)
{
	struct gw_config_loader ld = { .errs = errs, .use_env = from->use_env };
	int err;

	memset(errs, 0, sizeof(*errs));
	ld.cfg = mem_zalloc(sizeof(*ld.cfg), config_destructor);
	if (!ld.cfg)
		return ENOMEM;

	ld.cfg->policy = (struct gw_config_policy){
		.extension_min_digits = 2,
		.extension_max_digits = 6,
		.own_domain = true,
	};
	ld.no_memory = defaults_of(NULL, ld.cfg) != 0;

	if (from->path && !failed(&ld))
		load_file(&ld, from->path);
	if (from->text && !failed(&ld))
		read_text(&ld, from->text, from->len);
	if (from->use_env && !ld.no_memory)
		read_environment(&ld);

	/* a file that is no JSON says nothing about what is missing */
	if (!ld.no_memory && (ld.doc || !errs->count))
		complete(&ld, !from->path && !from->text);

	err = ld.no_memory ? ENOMEM : errs->count ? EINVAL : 0;
	if (err)
		mem_deref(ld.cfg);
	else
		*cfgp = ld.cfg;
	mem_deref(ld.doc);
	return err;
}

int gw_config_load(struct gw_config **cfgp, const char *path,
		   struct gw_config_errors *errs)
{
	return load(cfgp, &(struct sources){ .path = path, .use_env = true },
		    errs);
}

int gw_config_parse(struct gw_config **cfgp, const char *text, size_t len,
		    struct gw_config_errors *errs)
{
	return load(cfgp, &(struct sources){ .text = text, .len = len }, errs);
}

int gw_config_default(struct gw_config **cfgp)
{
	struct gw_config_errors errs;

	return load(cfgp, &(struct sources){ .path = NULL }, &errs);
}
