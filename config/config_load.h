/* What the files that load a configuration share, for config/ alone. */
#ifndef BELLPULL_CONFIG_CONFIG_LOAD_H
#define BELLPULL_CONFIG_CONFIG_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

struct mbuf;
struct gw_config_loader;
struct gw_config_row;

/* Notes one error with the line or the variable that pointer's value (or the
 * nearest thing around it) comes from. fmt is printf's. */
void gw_config_complain(struct gw_config_loader *ld, const char *pointer,
			const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What one setting alone cannot tell: how they fit together. */
void gw_config_cross_check(const struct gw_config *cfg,
			   struct gw_config_loader *ld);

/* One variable of the environment that overrides a setting. */
struct gw_config_override {
	char variable[96]; /* its name, cut if it is none of ours           */
	const struct gw_config_row *row;
	size_t number;     /* of the line or key; 0 elsewhere               */
	char pointer[128]; /* "/lines/0/user"                               */
	const char *text;  /* what it says; lives with the environment      */
};

/* Reads "NAME=VALUE". False if no setting has that variable; then only variable
 * is set. */
bool gw_config_override_read(struct gw_config_override *o, const char *entry);

/* The variable that was probably meant by one that is none, or NULL. */
const char *gw_config_override_hint(const struct gw_config_override *o);

/* Appends what the setting would be in the file. Returns 0 or ENOMEM. */
int gw_config_override_json(struct mbuf *mb,
			    const struct gw_config_override *o);

#endif
