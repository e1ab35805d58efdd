/* The file of a configuration: its bytes, and the walk through its values.
 *
 * The walk follows the table: a member is a setting if there is a row of its
 * pointer, an object to go into if rows begin with its pointer, and unknown
 * otherwise. */
#include "config/config_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <re_types.h>
#include <re_mem.h>

#include "config/config_table.h"
#include "config/json.h"

enum { FILE_MAX = 1024 * 1024 }; /* bytes of a configuration file */

static const struct gw_config_row *row_of(const char *pattern)
{
	const struct gw_config_row *row = NULL;

	while ((row = gw_config_row_next(row, pattern))) {
		if (!strcmp(row->pointer, pattern))
			return row;
	}

	return NULL;
}

static void unknown(struct gw_config_loader *ld, const char *pointer,
		    const char *prefix, const char *name)
{
	char buf[64];
	const char *meant = gw_config_hint(prefix, name, buf, sizeof(buf));

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

/* A name of a hook is part of its URL. */
static bool is_name(struct gw_config_loader *ld,
		    const struct gw_config_group *g, const char *name)
{
	const char *must = !*name || strlen(name) > 64 ?
				   "must be named with 1 to 64 characters" :
				   gw_form_name(name);

	if (must)
		gw_config_complain(ld, g->pointer, "one of it %s", must);
	return !must;
}

static void walk_group(struct gw_config_loader *ld,
		       const struct gw_config_group *g,
		       const struct gw_json *array)
{
	const struct gw_json *element;
	char pointer[GW_CONFIG_POINTER_SIZE], pattern[GW_CONFIG_POINTER_SIZE];
	size_t i = 0;

	if (gw_json_type(array) !=
	    (g->named ? GW_JSON_OBJECT : GW_JSON_ARRAY)) {
		gw_config_complain(ld, g->pointer,
				   g->named ? "must be an object in braces" :
					      "must be a list of objects in "
					      "brackets");
		return;
	}

	(void)snprintf(pattern, sizeof(pattern), "%.*s",
		       (int)strlen(g->prefix) - 1, g->prefix);
	for (element = gw_json_first(array); element;
	     element = gw_json_next(element), i++) {
		if (i >= g->max) {
			gw_config_complain(ld, g->pointer,
					   "at most %zu are possible", g->max);
			return;
		}
		if (g->named && !is_name(ld, g, gw_json_name(element)))
			return;
		if (gw_config_group_grow(g, ld->cfg, gw_json_name(element))) {
			ld->no_memory = true;
			return;
		}
		gw_config_group_pointer(pointer, sizeof(pointer), g, ld->cfg,
					i);
		walk_object(ld, element, pointer, pattern,
			    gw_config_group_at(g, ld->cfg, i));
	}
}

static void walk_member(struct gw_config_loader *ld,
			const struct gw_json *member, const char *pointer,
			const char *pattern, void *base)
{
	const struct gw_config_row *row = row_of(pattern);
	const struct gw_config_group *g = gw_config_group_of_pointer(pattern);
	char prefix[GW_CONFIG_POINTER_SIZE + 1];
	size_t len;

	if (row) {
		gw_config_set(ld, row, base, member, pointer);
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
	char inner[GW_CONFIG_POINTER_SIZE],
		inner_pattern[GW_CONFIG_POINTER_SIZE];

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

void gw_config_read_text(struct gw_config_loader *ld, const char *text,
			 size_t len)
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

static void cannot_read(struct gw_config_loader *ld, const char *path)
{
	gw_config_complain(ld, "", "cannot read %s: %s", path, strerror(errno));
}

/* The descriptor of a regular file, or -1 with a complaint. */
static int open_file(struct gw_config_loader *ld, const char *path)
{
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		cannot_read(ld, path);
		return -1;
	}

	if (fstat(fd, &st))
		cannot_read(ld, path);
	else if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		gw_config_complain(
			ld, "", "%s is no regular file of at most 1 MiB", path);
	else
		return fd;

	(void)close(fd);
	return -1;
}

/* Reads what there is, at most size bytes. -1 with errno on error. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		len += (size_t)n;
	}

	return (ssize_t)len;
}

void gw_config_read_file(struct gw_config_loader *ld, const char *path)
{
	char *text = NULL;
	ssize_t len;
	int fd;

	fd = open_file(ld, path);
	if (fd < 0)
		return;

	text = mem_alloc(FILE_MAX, NULL);
	if (!text) {
		ld->no_memory = true;
		goto out;
	}

	len = read_all(fd, text, FILE_MAX);
	if (len < 0)
		cannot_read(ld, path);
	else
		gw_config_read_text(ld, text, (size_t)len);
	explicit_bzero(text, FILE_MAX); /* secrets may be in it */

out:
	(void)close(fd);
	mem_deref(text);
}
