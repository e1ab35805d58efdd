/* The log: one event with fields a line, logfmt on a terminal, else JSON.
 *
 *   gw_log(GW_LOG_INFO, "call.state", GW_F_STR("id", id),
 *          GW_F_STR("old", old), GW_F_INT("sip", 200));
 *
 * Control characters are escaped, so a record is one line whatever stands in
 * it. Keys, cookies, tickets and digest responses are blotted out by their
 * shape, and numbers of people (GW_F_NUMBER) masked unless log.pii says
 * otherwise. Writing never blocks: a reader that doesn't keep up loses records,
 * and is told how many. Any thread may log. */
#ifndef BELLPULL_SERVER_LOG_H
#define BELLPULL_SERVER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gw_log_level {
	GW_LOG_ERROR,
	GW_LOG_WARNING,
	GW_LOG_INFO,
	GW_LOG_DEBUG,
};

enum gw_log_format {
	GW_LOG_AUTO, /* logfmt on a terminal, else JSON */
	GW_LOG_LOGFMT,
	GW_LOG_JSON,
};

struct gw_log_cfg {
	int fd; /* stays the caller's */
	enum gw_log_level level;
	enum gw_log_format format;
	bool pii;
};

enum gw_log_kind {
	GW_LOG_END,
	GW_LOG_STR,    /* NULL: the field is left out          */
	GW_LOG_NUMBER, /* of a person, or a URI with one       */
	GW_LOG_INT,
	GW_LOG_BOOL,
	GW_LOG_ERRNO, /* told as text                         */
};

struct gw_log_field {
	const char *name;
	enum gw_log_kind kind;
	const char *str;
	int64_t num;
};

#define GW_F_STR(name, value)                  \
	{                                      \
		(name), GW_LOG_STR, (value), 0 \
	}
#define GW_F_NUMBER(name, value)                  \
	{                                         \
		(name), GW_LOG_NUMBER, (value), 0 \
	}
#define GW_F_INT(name, value)                              \
	{                                                  \
		(name), GW_LOG_INT, NULL, (int64_t)(value) \
	}
#define GW_F_BOOL(name, value)                             \
	{                                                  \
		(name), GW_LOG_BOOL, NULL, (value) ? 1 : 0 \
	}
#define GW_F_ERR(name, value)                       \
	{                                           \
		(name), GW_LOG_ERRNO, NULL, (value) \
	}

/* Until it is called, records go to stderr at level info. */
void gw_log_open(const struct gw_log_cfg *cfg);
void gw_log_set_level(enum gw_log_level level);
enum gw_log_level gw_log_level(void);

/* SIGUSR1: info -> debug -> info. */
void gw_log_cycle(void);

/* What would be lost below the level costs one comparison. */
#define gw_log(level, event, ...)                                           \
	do {                                                                \
		if ((level) <= gw_log_level())                              \
			gw_log_write(                                       \
				(level), (event),                           \
				(const struct gw_log_field[]){              \
					__VA_ARGS__ __VA_OPT__(, ){ 0 } }); \
	} while (0)
void gw_log_write(enum gw_log_level level, const char *event,
		  const struct gw_log_field *fields);

uint64_t gw_log_dropped(void);

/* "+4912*****34"; of a SIP URI only digits of its user are masked. Always
 * NUL-terminated. */
void gw_log_mask(char *buf, size_t size, const char *number);

/* Copies text with everything that looks like a secret blotted out: values of
 * Authorization, Cookie, response= and ticket=, and words with bellpull_, bp_,
 * whsec_ or the shape of a JWT. Always NUL-terminated. */
void gw_log_redact(char *buf, size_t size, const char *text);

#endif
