/* The files of the page, as they lie in web/, inside the binary: one file to
 * install, and no path that could lead elsewhere. A new file is a new row. Their
 * ETag is their SHA-256; browsers ask each time and are told 304. */
#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "server/http_inside.h"

/* The assembler reads the file; the Makefile knows that this object needs it. */
#define INCLUDE_FILE(symbol, file)                          \
	__asm__(".pushsection .rodata\n"                    \
		"gw_file_" #symbol ":\n"                    \
		".incbin \"" file "\"\n"                    \
		"gw_file_" #symbol "_end:\n"                \
		".byte 0\n"                                 \
		".popsection\n");                           \
	extern const unsigned char gw_file_##symbol[]       \
		__attribute__((visibility("hidden")));      \
	extern const unsigned char gw_file_##symbol##_end[] \
		__attribute__((visibility("hidden")))

#define HTML   "text/html; charset=utf-8"
#define CSS    "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"
#define SVG    "image/svg+xml"

/* symbol, the path it is served under, where it lies, its type */
/* clang-format off */
#define WEB_FILES(row) \
	row(index,          "/",                            "web/index.html",                   HTML) \
	row(call,           "/call.html",                   "web/call.html",                    HTML) \
	row(api,            "/api.html",                    "web/api.html",                     HTML) \
	row(hooks,          "/hooks.html",                  "web/hooks.html",                   HTML) \
	row(hooks_app,      "/hooks.js",                    "web/hooks.js",                     SCRIPT) \
	row(hooks_style,    "/hooks.css",                   "web/hooks.css",                    CSS) \
	row(app,            "/app.js",                      "web/app.js",                       SCRIPT) \
	row(style,          "/style.css",                   "web/style.css",                    CSS) \
	row(call_style,     "/call.css",                    "web/call.css",                     CSS) \
	row(icon,           "/icon.svg",                    "web/icon.svg",                     SVG) \
	row(lib_calls,      "/lib/calls.js",                "web/lib/calls.js",                 SCRIPT) \
	row(lib_causes,     "/lib/causes.js",               "web/lib/causes.js",                SCRIPT) \
	row(lib_controls,   "/lib/controls.js",             "web/lib/controls.js",              SCRIPT) \
	row(lib_dom,        "/lib/dom.js",                  "web/lib/dom.js",                   SCRIPT) \
	row(lib_gateway,    "/lib/gateway.js",              "web/lib/gateway.js",               SCRIPT) \
	row(lib_hooks,      "/lib/hooks.js",                "web/lib/hooks.js",                 SCRIPT) \
	row(lib_ladder,     "/lib/ladder.js",               "web/lib/ladder.js",                SCRIPT) \
	row(lib_people,     "/lib/people.js",               "web/lib/people.js",                SCRIPT) \
	row(lib_steps,      "/lib/steps.js",                "web/lib/steps.js",                 SCRIPT) \
	row(lib_stream,     "/lib/stream.js",               "web/lib/stream.js",                SCRIPT) \
	row(lib_watch,      "/lib/watch.js",                "web/lib/watch.js",                 SCRIPT) \
	row(lib_words,      "/lib/words.js",                "web/lib/words.js",                 SCRIPT) \
	row(api_reference,  "/elements/api-reference.js",   "web/elements/api-reference.js",    SCRIPT) \
	row(call_card,      "/elements/call-card.js",       "web/elements/call-card.js",        SCRIPT) \
	row(call_controls,  "/elements/call-controls.js",   "web/elements/call-controls.js",    SCRIPT) \
	row(call_form,      "/elements/call-form.js",       "web/elements/call-form.js",        SCRIPT) \
	row(call_legs,      "/elements/call-legs.js",       "web/elements/call-legs.js",        SCRIPT) \
	row(call_page,      "/elements/call-page.js",       "web/elements/call-page.js",        SCRIPT) \
	row(call_timeline,  "/elements/call-timeline.js",   "web/elements/call-timeline.js",    SCRIPT) \
	row(copy_text,      "/elements/copy-text.js",       "web/elements/copy-text.js",        SCRIPT) \
	row(delivery_list,  "/elements/delivery-list.js",   "web/elements/delivery-list.js",    SCRIPT) \
	row(echo_call,      "/elements/echo-call.js",       "web/elements/echo-call.js",        SCRIPT) \
	row(hook_inbox,     "/elements/hook-inbox.js",      "web/elements/hook-inbox.js",       SCRIPT) \
	row(line_status,    "/elements/line-status.js",     "web/elements/line-status.js",      SCRIPT) \
	row(replay_range,   "/elements/replay-range.js",    "web/elements/replay-range.js",     SCRIPT) \
	row(sign_in,        "/elements/sign-in.js",         "web/elements/sign-in.js",          SCRIPT) \
	row(sip_ladder,     "/elements/sip-ladder.js",      "web/elements/sip-ladder.js",       SCRIPT) \
	row(webhook_endpoint, "/elements/webhook-endpoint.js", "web/elements/webhook-endpoint.js", SCRIPT)
/* clang-format on */

/* What other sites load, too: there is nothing in it that isn't public. */
#define SHARED_FILES(row) row(click, "/click.js", "web/click.js", SCRIPT)

#define AS_DATA(symbol, path, file, type) INCLUDE_FILE(symbol, file);
#define AS_ROW(symbol, path, file, type) \
	{ path, type, gw_file_##symbol, gw_file_##symbol##_end, false, "" },
#define AS_SHARED(symbol, path, file, type) \
	{ path, type, gw_file_##symbol, gw_file_##symbol##_end, true, "" },

WEB_FILES(AS_DATA)
SHARED_FILES(AS_DATA)
INCLUDE_FILE(openapi, "server/openapi.json");

static struct gw_http_file files[] = { WEB_FILES(AS_ROW)
					       SHARED_FILES(AS_SHARED) };

static struct gw_http_file openapi = {
	"/openapi.json", "application/json",
	gw_file_openapi, gw_file_openapi_end,
	false,           "",
};

static void set_etag(struct gw_http_file *file)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];

	(void)SHA256(file->data, (size_t)(file->end - file->data), hash);
	(void)re_snprintf(file->etag, sizeof(file->etag), "\"%w\"", hash,
			  sizeof(hash));
}

void gw_http_static_init(void)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		set_etag(&files[i]);
	set_etag(&openapi);
}

const struct gw_http_file *gw_http_file(const char *path)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (!strcmp(files[i].path, path))
			return &files[i];
	}

	return NULL;
}

const struct gw_http_file *gw_http_openapi(void)
{
	return &openapi;
}
