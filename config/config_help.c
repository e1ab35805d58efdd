/* The configuration for people: the table of settings, errors, and the summary
 * of --check. No secret passes through here. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re_types.h>
#include <re_mem.h>

#include "config/config.h"
#include "config/config_table.h"

/* Errors and summary ------------------------------------------------------ */

void gw_config_error_print(char *buf, size_t size,
			   const struct gw_config_error *error)
{
	char place[128] = "";

	if (error->variable[0])
		(void)snprintf(place, sizeof(place), " (variable %s)",
			       error->variable);
	else if (error->line)
		(void)snprintf(place, sizeof(place), " (line %u)", error->line);

	(void)snprintf(buf, size, "%s%s%s%s", error->pointer,
		       error->pointer[0] ? ": " : "", error->text, place);
}

static void print_errors(FILE *f, const char *name,
			 const struct gw_config_errors *errs)
{
	char text[640];
	size_t i;

	for (i = 0; i < errs->count; i++) {
		gw_config_error_print(text, sizeof(text), &errs->list[i]);
		(void)fprintf(f, "%s: %s\n", name, text);
	}
	if (errs->more)
		(void)fprintf(f, "%s: and %zu more\n", name, errs->more);
}

static void print_summary(FILE *f, const char *name,
			  const struct gw_config *cfg)
{
	static const char *const transports[] = { "udp", "tcp", "tls" };
	size_t i;

	(void)fprintf(f, "%s: good\n", name);
	for (i = 0; i < cfg->http.listen.count; i++) {
		const struct gw_config_listen *l = &cfg->http.listen.list[i];
		bool v6 = strchr(l->address, ':') != NULL;

		(void)fprintf(f, "  serves  %s://%s%s%s:%u\n",
			      cfg->http.certificate ? "https" : "http",
			      v6 ? "[" : "", l->address, v6 ? "]" : "",
			      l->port);
	}

	for (i = 0; i < cfg->line_count; i++) {
		const struct gw_config_line *line = &cfg->lines[i];

		(void)fprintf(
			f, "  line    %s: %s@%s by %s, %s%s\n", line->name,
			line->user, line->domain, transports[line->transport],
			line->do_register ? "registers" : "does not register",
			line->is_default ? ", the default" : "");
	}
	if (cfg->sandbox)
		(void)fprintf(f, "  line    sandbox\n");
	else if (!cfg->line_count)
		(void)fprintf(f, "  line    none: no call can be placed\n");

	for (i = 0; i < cfg->key_count; i++)
		(void)fprintf(f, "  key     %s of project %s\n",
			      cfg->keys[i].name, cfg->keys[i].project);
	if (!cfg->key_count)
		(void)fprintf(f, "  key     none: whoever reaches it may use "
				 "it\n");
}

int gw_config_check_print(FILE *f, const char *path)
{
	const char *name = path ? path : "settings";
	struct gw_config_errors errs;
	struct gw_config *cfg;
	int err;

	err = gw_config_load(&cfg, path, &errs);
	if (err == ENOMEM) {
		(void)fprintf(f, "%s: out of memory\n", name);
		return err;
	}
	if (err) {
		print_errors(f, name, &errs);
		return err;
	}

	print_summary(f, name, cfg);
	mem_deref(cfg);
	return 0;
}

/* The table --------------------------------------------------------------- */

/* "whole number, 5 to 30" */
static void describe(char *buf, size_t size, const struct gw_config_row *row)
{
	static const char *const names[] = {
		[GW_CONFIG_STRING] = "string",
		[GW_CONFIG_INT] = "whole number",
		[GW_CONFIG_PORT] = "whole number",
		[GW_CONFIG_BOOL] = "true or false",
		[GW_CONFIG_WORD] = "one of",
		[GW_CONFIG_ENUM] = "one of",
		[GW_CONFIG_STRINGS] = "list of strings",
		[GW_CONFIG_HTTP_LISTENS] = "list of strings",
		[GW_CONFIG_SIP_LISTENS] = "list of strings",
		[GW_CONFIG_PORTS] = "string",
		[GW_CONFIG_SECRET] = "reference to a secret",
		[GW_CONFIG_SECRETS] = "list of references to secrets",
		[GW_CONFIG_OBJECT] = "object",
		[GW_CONFIG_ARRAY] = "list of objects",
		[GW_CONFIG_INTS] = "list of whole numbers",
		[GW_CONFIG_LATER] = "nothing but its default",
	};
	bool is_list = row->type == GW_CONFIG_STRINGS;
	size_t i, len;

	(void)snprintf(buf, size, "%s",
		       row->words && !is_list ? "one of" : names[row->type]);

	for (i = 0; row->words && row->words[i]; i++) {
		len = strlen(buf);
		(void)snprintf(buf + len, size - len, "%s%s",
			       i       ? ", " :
			       is_list ? " out of " :
					 " ",
			       row->words[i]);
	}

	len = strlen(buf);
	if (row->type == GW_CONFIG_INT || row->type == GW_CONFIG_PORT ||
	    row->type == GW_CONFIG_INTS)
		(void)snprintf(buf + len, size - len, ", %lld to %lld",
			       (long long)row->min, (long long)row->max);

	len = strlen(buf);
	if (row->nullable)
		(void)snprintf(buf + len, size - len, ", or null");
}

static void variable_of(char *buf, size_t size, const struct gw_config_row *row)
{
	if (row->type == GW_CONFIG_LATER || strstr(row->pointer, "/NAME/"))
		(void)snprintf(buf, size, "none");
	else
		gw_config_variable(buf, size, row->pointer);
}

/* Breaks text between words. */
static void print_wrapped(FILE *f, const char *text, const char *indent)
{
	enum { WIDTH = 70 };

	while (*text) {
		size_t len = strlen(text);

		if (len > WIDTH) {
			for (len = WIDTH; len && text[len] != ' '; len--)
				;
			if (!len)
				len = strcspn(text, " ");
		}
		(void)fprintf(f, "%s%.*s\n", indent, (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
}

static void print_text_row(FILE *f, const struct gw_config_row *row,
			   const char *type, const char *variable)
{
	(void)fprintf(f, "%s\n", row->pointer);
	print_wrapped(f, type, "    ");
	(void)fprintf(f, "    default %s\n    %s\n",
		      row->json_default ? row->json_default :
					  "none: must be set",
		      variable);
	print_wrapped(f, row->help, "      ");
	(void)fputc('\n', f);
}

/* In a table of Markdown a bar would end the cell. */
static void print_markdown_row(FILE *f, const struct gw_config_row *row,
			       const char *type, const char *variable)
{
	(void)fprintf(f, "| `%s` | %s | %s%s%s | `%s` | %s |\n", row->pointer,
		      type, row->json_default ? "`" : "",
		      row->json_default ? row->json_default : "must be set",
		      row->json_default ? "`" : "", variable, row->help);
}

/* "lines" of "/lines/N/port"; "" of "/country" */
static void section_of(char *buf, size_t size, const struct gw_config_row *row)
{
	size_t len = strcspn(row->pointer + 1, "/");

	if (!row->pointer[1 + len])
		len = 0;
	(void)snprintf(buf, size, "%.*s", (int)len, row->pointer + 1);
}

static void print_heading(FILE *f, const struct gw_config_row *row, char *last,
			  size_t size, enum gw_config_help_form form)
{
	char section[64];

	section_of(section, sizeof(section), row);
	if (form != GW_CONFIG_HELP_MARKDOWN || !strcmp(section, last))
		return;

	(void)snprintf(last, size, "%s", section);
	(void)fprintf(f,
		      "\n## %s\n\n| setting | type | default | variable | "
		      "meaning |\n|---|---|---|---|---|\n",
		      *section ? section : "general");
}

int gw_config_help(FILE *f, enum gw_config_help_form form)
{
	const struct gw_config_row *row = NULL;
	char last[64] = "-", type[320], variable[96];

	while ((row = gw_config_row_next(row, "/"))) {
		describe(type, sizeof(type), row);
		variable_of(variable, sizeof(variable), row);
		print_heading(f, row, last, sizeof(last), form);
		if (form == GW_CONFIG_HELP_MARKDOWN)
			print_markdown_row(f, row, type, variable);
		else
			print_text_row(f, row, type, variable);
	}

	return ferror(f) ? EIO : 0;
}
