/* What the files that load a configuration share, for config/ alone. */
#ifndef BELLPULL_CONFIG_CONFIG_LOAD_H
#define BELLPULL_CONFIG_CONFIG_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

struct gw_config_row;
struct gw_json;
struct gw_json_doc;

enum { GW_CONFIG_POINTER_SIZE = 256, GW_CONFIG_WHY_SIZE = 320 };

struct gw_config_loader {
	struct gw_config *cfg;
	struct gw_json_doc *doc; /* of the file, or NULL */
	struct gw_config_errors *errs;
	const char *variable; /* being read, or NULL */
	bool use_env;
	bool no_memory;
};

/* Sources. What is wrong becomes a complaint or no_memory. ---------------- */

/* The file at path; its text, which is wiped by the caller; the variables. */
void gw_config_read_file(struct gw_config_loader *ld, const char *path);
void gw_config_read_text(struct gw_config_loader *ld, const char *text,
			 size_t len);
void gw_config_read_environment(struct gw_config_loader *ld);

/* Complains of "NAME=VALUE" with our prefix that is no setting's, unless it is
 * there on purpose. */
void gw_config_check_stray(struct gw_config_loader *ld, const char *entry);

/* Afterwards. first_run: there was no file, so no lines means the sandbox. */
void gw_config_complete(struct gw_config_loader *ld, bool first_run);

/* Sets what row says at base, for the place that pointer names. */
void gw_config_set(struct gw_config_loader *ld, const struct gw_config_row *row,
		   void *base, const struct gw_json *value,
		   const char *pointer);

/* Notes one error with the line or the variable that pointer's value (or the
 * nearest thing around it) comes from. fmt is printf's. */
void gw_config_complain(struct gw_config_loader *ld, const char *pointer,
			const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What one setting alone cannot tell: how they fit together. */
void gw_config_cross_check(const struct gw_config *cfg,
			   struct gw_config_loader *ld);

/* The setting below prefix that name may have been meant for, in buf, or NULL. */
const char *gw_config_hint(const char *prefix, const char *name, char *buf,
			   size_t size);

/* Lines and keys. --------------------------------------------------------- */

/* An array of objects, each with a struct; or an object of such objects, where each
 * has a name and its prefix says NAME instead of N. */
struct gw_config_group {
	const char *pointer;
	const char *prefix; /* of its rows */
	size_t size;        /* of one struct */
	size_t array;       /* where struct gw_config points to the first */
	size_t count;       /* where it counts them */
	size_t max;
	bool named; /* then the struct begins with its name, a string      */
};

extern const struct gw_config_group gw_config_groups[];
extern const size_t gw_config_group_total;

void **gw_config_group_array(const struct gw_config_group *g,
			     struct gw_config *cfg);
size_t *gw_config_group_count(const struct gw_config_group *g,
			      struct gw_config *cfg);
void *gw_config_group_at(const struct gw_config_group *g, struct gw_config *cfg,
			 size_t i);

/* "/lines/0" or "/hooks/crm": the pointer of number i, cut to size. */
void gw_config_group_pointer(char *buf, size_t size,
			     const struct gw_config_group *g,
			     struct gw_config *cfg, size_t i);

/* NULL: it belongs to no group. */
const struct gw_config_group *gw_config_group_of_pointer(const char *pointer);
const struct gw_config_group *
gw_config_group_of_row(const struct gw_config_row *row);

/* Sets, or frees, all settings of one struct of a group; with g NULL those of
 * no group, in struct gw_config itself. The first returns 0 or ENOMEM. */
int gw_config_group_default(const struct gw_config_group *g, void *base);
void gw_config_group_reset(const struct gw_config_group *g, void *base);

/* One more line, key or hook, with its defaults. name: of a group of named ones.
 * Returns 0 or ENOMEM. */
int gw_config_group_grow(const struct gw_config_group *g, struct gw_config *cfg,
			 const char *name);

/* The hooks' part of what no single row can tell (config_hook.c). */
void gw_config_check_hooks(const struct gw_config *cfg,
			   struct gw_config_loader *ld);

#endif
