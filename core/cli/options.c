/* Words to a call: which verb, which options, which arguments, from the table of verbs and the one
 * of options. Options may stand anywhere before `--`. It refuses what it does not know, and says
 * what may have been meant. */
#include <stdio.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/cli.h"
#include "veldkit/nearest.h"

/* Behind the folder; in the order of their bits. */
static const veld_cli_option common_rows[VELD_CLI_OPTIONS_COMMON - 1] = {
    {"pin-file", "BESTAND", "lees het wachtwoord uit de eerste regel van dit bestand"},
    {"pin-command", "OPDRACHT", "lees het wachtwoord uit wat deze opdracht schrijft"},
    {"json", NULL, "antwoord als JSON; fouten als {\"error\":{..}} op standaarduitvoer"},
    {"quiet", NULL, "geen opmerkingen op standaardfout"},
    {"no-input", NULL, "vraag nooit iets"},
    {"help", NULL, "toon deze hulp"},
    {"version", NULL, "toon de versie"},
};

enum { VERB_WORD_MAX = 64 };

static size_t options_count(const veld_cli_program *program)
{
    return VELD_CLI_OPTIONS_COMMON + program->options_count;
}

static const veld_cli_option *option_row(const veld_cli_program *program, size_t number)
{
    VELD_ASSERT(number < options_count(program));
    if (number == 0)
        return &program->folder;
    return number < VELD_CLI_OPTIONS_COMMON ? &common_rows[number - 1]
                                            : &program->options[number - VELD_CLI_OPTIONS_COMMON];
}

void veld_cli_init(veld_cli_call *call, const veld_cli_program *program)
{
    VELD_ASSERT(options_count(program) <= VELD_CLI_OPTIONS_MAX);
    *call = (veld_cli_call){.program = program, .peer = -1, .listener = -1};
    for (size_t i = 0; i < VELD_CLI_SECRETS_MAX; i++)
        call->secrets[i] = -1;
    veld_buf_init(&call->text, VELD_CLI_REQUEST_BYTES_MAX);
    veld_buf_init(&call->out, VELD_CLI_OUTPUT_BYTES_MAX);
    veld_json_errors_init(&call->errors);
}

void veld_cli_release(veld_cli_call *call)
{
    veld_buf_wipe(&call->text);
    veld_buf_wipe(&call->out);
    veld_json_errors_release(&call->errors);
    veld_release(call->arguments);
    call->arguments = NULL;
}

bool veld_cli_given(const veld_cli_call *call, uint64_t option)
{
    return (call->given & option) != 0;
}

static size_t option_number(uint64_t option)
{
    size_t number = 0;
    while (number < VELD_CLI_OPTIONS_MAX && (UINT64_C(1) << number) != option)
        number++;
    VELD_ASSERT(number < VELD_CLI_OPTIONS_MAX);
    return number;
}

const char *veld_cli_value(const veld_cli_call *call, uint64_t option)
{
    return call->values[option_number(option)];
}

/* ---- what may have been meant ---- */
/* How far a word that is known is from what was typed; VELD_NEAREST_WORD_MAX when it is no slip. */
static size_t distance(const char *typed, const char *known)
{
    const veld_span word = veld_span_text(typed);
    size_t there = veld_nearest_distance(word, veld_span_text(known));
    return veld_nearest_is_slip(word, there) ? there : VELD_NEAREST_WORD_MAX;
}

static const char *nearest_verb(const veld_cli_program *program, const char *typed)
{
    const char *best = NULL;
    size_t best_distance = VELD_NEAREST_WORD_MAX;
    for (size_t i = 0; i < program->verbs_count; i++) {
        size_t there = distance(typed, program->verbs[i].name);
        if (there < best_distance) {
            best_distance = there;
            best = program->verbs[i].name;
        }
    }
    return best;
}

static veld_status unknown_option(veld_cli_call *call, const char *typed)
{
    const char *best = NULL;
    size_t best_distance = VELD_NEAREST_WORD_MAX;
    for (size_t i = 0; i < options_count(call->program); i++) {
        size_t there = distance(typed, option_row(call->program, i)->name);
        if (there < best_distance) {
            best_distance = there;
            best = option_row(call->program, i)->name;
        }
    }
    /* What was typed may be anything, also content of a case behind a `=`. */
    int shown = (int)strspn(typed, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return veld_fail(&call->err, VELD_E_INVALID, "onbekende optie --%.*s%s%s%s", shown, typed,
        best != NULL ? "; bedoel je --" : "", best != NULL ? best : "", best != NULL ? "?" : "");
}

/* ---- options ---- */
/* The word after the dashes; `next` is the word behind it, which it takes when it needs a value
 * and has none after a `=`. */
static veld_status take_option(
    veld_cli_call *call, const char *word, const char *next, bool *took_next)
{
    const char *equals = strchr(word, '=');
    size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);
    size_t i = 0;
    while (i < options_count(call->program) &&
           (strlen(option_row(call->program, i)->name) != len ||
               memcmp(option_row(call->program, i)->name, word, len) != 0))
        i++;
    *took_next = false;
    if (i == options_count(call->program))
        return unknown_option(call, word);
    if ((call->given & (UINT64_C(1) << i)) != 0)
        return veld_fail(&call->err, VELD_E_INVALID, "--%s staat er twee keer",
            option_row(call->program, i)->name);
    call->given |= UINT64_C(1) << i;
    if (option_row(call->program, i)->value == NULL && equals != NULL)
        return veld_fail(&call->err, VELD_E_INVALID, "--%s heeft geen waarde",
            option_row(call->program, i)->name);
    if (option_row(call->program, i)->value == NULL)
        return VELD_OK;
    *took_next = equals == NULL;
    call->values[i] = equals != NULL ? equals + 1 : next;
    if (call->values[i] == NULL || call->values[i][0] == '\0')
        return veld_fail(&call->err, VELD_E_INVALID, "achter --%s hoort %s",
            option_row(call->program, i)->name, option_row(call->program, i)->value);
    return VELD_OK;
}

static veld_status split(veld_cli_call *call, int count, char *const *words)
{
    bool only_arguments = false;
    for (int i = 0; i < count; i++) {
        const char *word = words[i];
        bool took_next = false;
        veld_status status = VELD_OK;
        if (only_arguments || word[0] != '-' || word[1] == '\0')
            call->arguments[call->arguments_count++] = word;
        else if (strcmp(word, "--") == 0)
            only_arguments = true;
        else if (strcmp(word, "-h") == 0)
            call->given |= VELD_CLI_HELP;
        else if (word[1] == '-')
            status = take_option(call, word + 2, i + 1 < count ? words[i + 1] : NULL, &took_next);
        else
            status = veld_fail(&call->err, VELD_E_INVALID, "een optie begint met twee streepjes");
        if (status != VELD_OK)
            return status;
        i += took_next ? 1 : 0;
    }
    return VELD_OK;
}

/* ---- the verb ---- */
/* "case" is no verb, but what may stand behind it is known. */
static veld_status fail_group(veld_cli_call *call, const char *group)
{
    char words[256] = "";
    size_t used = 0, first = strlen(group);
    for (size_t i = 0; i < call->program->verbs_count && used < sizeof words; i++) {
        const char *name = call->program->verbs[i].name;
        if (strncmp(name, group, first) == 0 && name[first] == ' ')
            used += (size_t)snprintf(
                words + used, sizeof words - used, "%s%s", used > 0 ? ", " : "", name + first + 1);
    }
    return veld_fail(&call->err, VELD_E_INVALID,
        "achter %s hoort een van deze woorden: %s; zie %s --help", group, words,
        call->program->name);
}

/* The longest verb that the first arguments spell; its words leave the arguments. */
static veld_status find_verb(veld_cli_call *call)
{
    char typed[VERB_WORD_MAX] = "";
    size_t words_max = call->arguments_count < 2 ? call->arguments_count : 2;
    bool group = false;
    for (size_t words = words_max; words > 0; words--) {
        int len = snprintf(typed, sizeof typed, "%s%s%s", call->arguments[0], words > 1 ? " " : "",
            words > 1 ? call->arguments[1] : "");
        for (size_t i = 0; len > 0 && (size_t)len < sizeof typed && i < call->program->verbs_count;
             i++) {
            if (strcmp(typed, call->program->verbs[i].name) == 0) {
                call->verb = &call->program->verbs[i];
                call->arguments_count -= words;
                memmove(call->arguments, call->arguments + words,
                    call->arguments_count * sizeof *call->arguments);
                return VELD_OK;
            }
            size_t first = strlen(call->arguments[0]);
            group =
                group || (strncmp(call->program->verbs[i].name, call->arguments[0], first) == 0 &&
                             call->program->verbs[i].name[first] == ' ');
        }
    }
    if (group && call->arguments_count == 1 && veld_cli_given(call, VELD_CLI_HELP))
        return VELD_OK;
    char both[VERB_WORD_MAX] = "";
    (void)snprintf(both, sizeof both, "%s%s%s", call->arguments[0], words_max > 1 ? " " : "",
        words_max > 1 ? call->arguments[1] : "");
    const char *meant = nearest_verb(call->program, both);
    if (meant == NULL && !group)
        meant = nearest_verb(call->program, typed);
    if (group && meant == NULL)
        return fail_group(call, call->arguments[0]);
    return veld_fail(&call->err, VELD_E_INVALID, "onbekende opdracht%s%s%s; zie %s --help",
        meant != NULL ? "; bedoel je \"" : "", meant != NULL ? meant : "",
        meant != NULL ? "\"?" : "", call->program->name);
}

static veld_status check_usage(veld_cli_call *call)
{
    const veld_cli_verb *verb = call->verb;
    uint64_t foreign = call->given & ~(verb->options | call->program->options_of_all);
    uint64_t missing = verb->required & ~call->given;
    for (size_t i = 0; i < options_count(call->program); i++) {
        if ((foreign & (UINT64_C(1) << i)) != 0)
            return veld_fail(&call->err, VELD_E_INVALID, "%s kent geen --%s", verb->name,
                option_row(call->program, i)->name);
        if ((missing & (UINT64_C(1) << i)) != 0)
            return veld_fail(&call->err, VELD_E_INVALID, "%s heeft --%s nodig", verb->name,
                option_row(call->program, i)->name);
    }
    if (veld_cli_given(call, VELD_CLI_PIN_FILE) && veld_cli_given(call, VELD_CLI_PIN_COMMAND))
        return veld_fail(&call->err, VELD_E_INVALID, "--pin-file en --pin-command gaan niet samen");
    if (call->arguments_count < verb->arguments_min || call->arguments_count > verb->arguments_max)
        return veld_fail(&call->err, VELD_E_INVALID, "gebruik: %s %s%s%s", call->program->name,
            verb->name, verb->synopsis[0] != '\0' ? " " : "", verb->synopsis);
    return VELD_OK;
}

static veld_status set_folder(veld_cli_call *call)
{
    const char *given = veld_cli_value(call, VELD_CLI_FOLDER);
    int len = 0;
    if (given != NULL)
        len = snprintf(call->folder, sizeof call->folder, "%s", given);
    else if (call->program->default_folder != NULL)
        len = call->program->default_folder(call->folder, sizeof call->folder);
    if (len == 0 && call->program->default_folder != NULL)
        return veld_fail(&call->err, VELD_E_INVALID,
            "je thuismap is niet bekend (HOME is leeg); noem de map met --%s",
            call->program->folder.name);
    if (len < 0 || (size_t)len >= sizeof call->folder)
        return veld_fail(&call->err, VELD_E_LIMIT, "de naam van de map is te lang");
    while (len > 1 && call->folder[len - 1] == '/')
        call->folder[--len] = '\0';
    return VELD_OK;
}

bool veld_cli_asks_help(const veld_cli_call *call)
{
    return call->verb == NULL || veld_cli_given(call, VELD_CLI_HELP | VELD_CLI_VERSION);
}

veld_status veld_cli_parse(veld_cli_call *call, int count, char *const *words)
{
    veld_status status;
    bool json = false;
    VELD_ASSERT(call->arguments == NULL && count >= 0);
    if ((size_t)count > VELD_CLI_ARGUMENTS_MAX)
        return veld_fail(&call->err, VELD_E_LIMIT, "te veel woorden");
    call->arguments = veld_allocate(((size_t)count + 1) * sizeof *call->arguments);
    if (call->arguments == NULL)
        return VELD_E_MEMORY;
    /* Looked for first, so that a script gets the error about any other word as JSON too. */
    for (int i = 0; i < count; i++)
        json = json || strcmp(words[i], "--json") == 0;
    status = split(call, count, words);
    if (status != VELD_OK) {
        call->given |= json ? VELD_CLI_JSON : 0u;
        goto done;
    }
    bool helps = veld_cli_given(call, VELD_CLI_HELP | VELD_CLI_VERSION);
    if (call->arguments_count > 0 && strcmp(call->arguments[0], "help") == 0) {
        call->given |= VELD_CLI_HELP; /* what others know --help by */
        helps = true;
        memmove(call->arguments, call->arguments + 1,
            --call->arguments_count * sizeof *call->arguments);
    }
    if (call->arguments_count == 0) {
        status = helps ? VELD_OK
                       : veld_fail(&call->err, VELD_E_INVALID, "geef een opdracht; zie %s --help",
                             call->program->name);
        goto done;
    }
    VELD_TRY(find_verb(call));
    if (!helps)
        VELD_TRY(check_usage(call));
    if (!helps && call->peer == -1 &&
        call->verb->place != VELD_CLI_PLACE_NOWHERE) /* who serves others knows its folder */
        VELD_TRY(set_folder(call));

done:
    return status;
}

/* ---- help ---- */
static veld_status help_options(veld_cli_call *call, uint64_t options)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; i < options_count(call->program) && status == VELD_OK; i++) {
        const veld_cli_option *row = option_row(call->program, i);
        char left[VERB_WORD_MAX];
        (void)snprintf(left, sizeof left, "--%s%s%s", row->name, row->value != NULL ? " " : "",
            row->value != NULL ? row->value : "");
        if ((options & (UINT64_C(1) << i)) != 0)
            status = veld_cli_say(call, "  %-24s %s\n", left, row->text);
    }
    return status;
}

static veld_status help_verb(veld_cli_call *call)
{
    const veld_cli_verb *verb = call->verb;
    veld_status status;
    VELD_TRY(veld_cli_say(
        call, "%s %s: %s\n\nVoorbeelden:\n", call->program->name, verb->name, verb->summary));
    for (const char *line = verb->examples; *line != '\0'; line = strchr(line, '\n') + 1)
        VELD_TRY(veld_cli_say(call, "  %.*s\n", (int)(strchr(line, '\n') - line), line));
    VELD_TRY(veld_cli_say(
        call, "\nGebruik: %s [opties] %s %s\n", call->program->name, verb->name, verb->synopsis));
    VELD_TRY(veld_cli_say(call, "Antwoord met --json: %s\n\nOpties:\n", verb->answer));
    VELD_TRY(help_options(call, verb->options | call->program->options_of_all));

done:
    return status;
}

static veld_status help_all(veld_cli_call *call)
{
    const veld_cli_program *program = call->program;
    veld_status status;
    VELD_TRY(veld_cli_say_text(call, veld_span_text(program->help)));
    VELD_TRY(veld_cli_say(call, "\nOpdrachten:\n"));
    for (size_t i = 0; i < program->verbs_count; i++)
        VELD_TRY(
            veld_cli_say(call, "  %-16s %s\n", program->verbs[i].name, program->verbs[i].summary));
    VELD_TRY(veld_cli_say(call, "\nOpties van alle opdrachten:\n"));
    VELD_TRY(help_options(call, program->options_of_all));
    VELD_TRY(veld_cli_say_text(call, veld_span_text(program->exit_codes)));

done:
    return status;
}

veld_status veld_cli_help(veld_cli_call *call)
{
    if (veld_cli_given(call, VELD_CLI_VERSION))
        return veld_cli_say(call, "%s %s\n", call->program->name, call->program->version);
    return call->verb != NULL ? help_verb(call) : help_all(call);
}
