/* Words to a call: which verb, which options, which arguments, from the table of verbs and the one
 * of options. Options may stand anywhere before `--`. It refuses what it does not know, and says
 * what may have been meant. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"

typedef struct option_row {
    const char *name;
    const char *value; /* what it takes; NULL = nothing */
    const char *text;
} option_row;

/* In the order of the bits of fc_option. */
static const option_row option_rows[FC_OPTIONS] = {
    {"home", "MAP", "map van de kluis (anders ~/.local/share/veldkit)"},
    {"pin-file", "BESTAND", "lees het wachtwoord uit de eerste regel van dit bestand"},
    {"pin-command", "OPDRACHT", "lees het wachtwoord uit wat deze opdracht schrijft"},
    {"json", NULL, "antwoord als JSON; fouten als {\"error\":{..}} op standaarduitvoer"},
    {"quiet", NULL, "geen opmerkingen op standaardfout"},
    {"no-input", NULL, "vraag nooit iets"},
    {"help", NULL, "toon deze hulp"},
    {"version", NULL, "toon de versie"},
    {"local", NULL, "een kluis zonder organisatie"},
    {"name", "NAAM", "je naam, zoals collega's die zien (anders je inlognaam)"},
    {"quick-pin", NULL, "reken zo kort als mag aan het wachtwoord: minder veilig, voor proeven"},
    {"file", "BESTAND", "dit bestand; - is standaardinvoer"},
    {"values", NULL, "ook de geschreven waarden"},
    {"check", "CODE", "de controlecode die je collega op het scherm ziet"},
    {"yes", NULL, "vraag niet om bevestiging"},
    {"to", "COLLEGA", "voor wie: de naam op een bewaard kaartje, of het begin van het nummer"},
    {"idle", "MINUTEN", "sluit na zoveel minuten zonder opdracht (anders 10)"},
};

enum { OPTIONS_OF_ALL = FC_OPTION_LOCAL - 1, VERB_WORD_MAX = 64, DISTANCE_MAX = 2 };

void fc_call_init(fc_call *call)
{
    *call = (fc_call){.peer = -1};
    veld_buf_init(&call->out, FC_OUTPUT_BYTES_MAX);
    veld_json_errors_init(&call->errors);
}

void fc_call_release(fc_call *call)
{
    veld_buf_wipe(&call->out);
    veld_json_errors_release(&call->errors);
    veld_release(call->arguments);
    call->arguments = NULL;
}

bool fc_given(const fc_call *call, fc_option option)
{
    return (call->given & (unsigned)option) != 0;
}

static size_t option_number(fc_option option)
{
    size_t number = 0;
    while ((1u << number) != (unsigned)option)
        number++;
    VELD_ASSERT(number < FC_OPTIONS);
    return number;
}

const char *fc_value(const fc_call *call, fc_option option)
{
    return call->values[option_number(option)];
}

/* ---- what may have been meant ---- */
static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein; words longer than a verb are far from every verb. */
static size_t distance(const char *a, const char *b)
{
    size_t row[VERB_WORD_MAX];
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len >= VERB_WORD_MAX || b_len >= VERB_WORD_MAX)
        return VERB_WORD_MAX;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t changed = diagonal + (a[i - 1] != b[j - 1] ? 1u : 0u);
            diagonal = row[j];
            row[j] = least(changed, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_len];
}

static const char *nearest_verb(const char *typed)
{
    const char *best = NULL;
    size_t best_distance = DISTANCE_MAX + 1;
    for (size_t i = 0; i < fc_verbs_count; i++) {
        size_t there = distance(typed, fc_verbs[i].name);
        if (there < best_distance) {
            best_distance = there;
            best = fc_verbs[i].name;
        }
    }
    return best;
}

static veld_status unknown_option(fc_call *call, const char *typed)
{
    const char *best = NULL;
    size_t best_distance = DISTANCE_MAX + 1;
    for (size_t i = 0; i < FC_OPTIONS; i++) {
        size_t there = distance(typed, option_rows[i].name);
        if (there < best_distance) {
            best_distance = there;
            best = option_rows[i].name;
        }
    }
    return veld_fail(&call->err, VELD_E_INVALID, "onbekende optie --%s%s%s%s", typed,
        best != NULL ? "; bedoel je --" : "", best != NULL ? best : "", best != NULL ? "?" : "");
}

/* ---- options ---- */
/* The word after the dashes; `next` is the word behind it, which it takes when it needs a value
 * and has none after a `=`. */
static veld_status take_option(fc_call *call, const char *word, const char *next, bool *took_next)
{
    const char *equals = strchr(word, '=');
    size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);
    size_t i = 0;
    while (i < FC_OPTIONS &&
           (strlen(option_rows[i].name) != len || memcmp(option_rows[i].name, word, len) != 0))
        i++;
    *took_next = false;
    if (i == FC_OPTIONS)
        return unknown_option(call, word);
    if ((call->given & (1u << i)) != 0)
        return veld_fail(
            &call->err, VELD_E_INVALID, "--%s staat er twee keer", option_rows[i].name);
    call->given |= 1u << i;
    if (option_rows[i].value == NULL && equals != NULL)
        return veld_fail(&call->err, VELD_E_INVALID, "--%s heeft geen waarde", option_rows[i].name);
    if (option_rows[i].value == NULL)
        return VELD_OK;
    *took_next = equals == NULL;
    call->values[i] = equals != NULL ? equals + 1 : next;
    if (call->values[i] == NULL || call->values[i][0] == '\0')
        return veld_fail(&call->err, VELD_E_INVALID, "achter --%s hoort %s", option_rows[i].name,
            option_rows[i].value);
    return VELD_OK;
}

static veld_status split(fc_call *call, int count, char *const *words)
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
            call->given |= FC_OPTION_HELP;
        else if (word[1] == '-')
            status = take_option(call, word + 2, i + 1 < count ? words[i + 1] : NULL, &took_next);
        else
            status = veld_fail(&call->err, VELD_E_INVALID, "onbekende optie %s", word);
        if (status != VELD_OK)
            return status;
        i += took_next ? 1 : 0;
    }
    return VELD_OK;
}

/* ---- the verb ---- */
/* The longest verb that the first arguments spell; its words leave the arguments. */
static veld_status find_verb(fc_call *call)
{
    char typed[VERB_WORD_MAX] = "";
    size_t words_max = least(call->arguments_count, 2);
    bool group = false;
    for (size_t words = words_max; words > 0; words--) {
        int len = snprintf(typed, sizeof typed, "%s%s%s", call->arguments[0], words > 1 ? " " : "",
            words > 1 ? call->arguments[1] : "");
        for (size_t i = 0; len > 0 && (size_t)len < sizeof typed && i < fc_verbs_count; i++) {
            if (strcmp(typed, fc_verbs[i].name) == 0) {
                call->verb = &fc_verbs[i];
                call->arguments_count -= words;
                memmove(call->arguments, call->arguments + words,
                    call->arguments_count * sizeof *call->arguments);
                return VELD_OK;
            }
            size_t first = strlen(call->arguments[0]);
            group = group || (strncmp(fc_verbs[i].name, call->arguments[0], first) == 0 &&
                                 fc_verbs[i].name[first] == ' ');
        }
    }
    if (group && call->arguments_count == 1 && fc_given(call, FC_OPTION_HELP))
        return VELD_OK;
    char both[VERB_WORD_MAX] = "";
    (void)snprintf(both, sizeof both, "%s%s%s", call->arguments[0], words_max > 1 ? " " : "",
        words_max > 1 ? call->arguments[1] : "");
    const char *meant = nearest_verb(both);
    if (meant == NULL)
        meant = nearest_verb(typed);
    if (group && call->arguments_count == 1)
        return veld_fail(&call->err, VELD_E_INVALID,
            "achter %s hoort nog een woord: zie veldkit --help", call->arguments[0]);
    return veld_fail(&call->err, VELD_E_INVALID, "onbekende opdracht%s%s%s; zie veldkit --help",
        meant != NULL ? "; bedoel je \"" : "", meant != NULL ? meant : "",
        meant != NULL ? "\"?" : "");
}

static veld_status check_usage(fc_call *call)
{
    const fc_verb *verb = call->verb;
    unsigned foreign = call->given & ~(verb->options | (unsigned)OPTIONS_OF_ALL);
    unsigned missing = verb->required & ~call->given;
    for (size_t i = 0; i < FC_OPTIONS; i++) {
        if ((foreign & (1u << i)) != 0)
            return veld_fail(
                &call->err, VELD_E_INVALID, "%s kent geen --%s", verb->name, option_rows[i].name);
        if ((missing & (1u << i)) != 0)
            return veld_fail(
                &call->err, VELD_E_INVALID, "%s heeft --%s nodig", verb->name, option_rows[i].name);
    }
    if (fc_given(call, FC_OPTION_PIN_FILE) && fc_given(call, FC_OPTION_PIN_COMMAND))
        return veld_fail(&call->err, VELD_E_INVALID, "--pin-file en --pin-command gaan niet samen");
    if (call->arguments_count < verb->arguments_min || call->arguments_count > verb->arguments_max)
        return veld_fail(
            &call->err, VELD_E_INVALID, "gebruik: veldkit %s %s", verb->name, verb->synopsis);
    return VELD_OK;
}

static veld_status set_home(fc_call *call)
{
    const char *data = getenv("XDG_DATA_HOME");
    const char *user = getenv("HOME");
    int len;
    if (fc_given(call, FC_OPTION_HOME))
        len = snprintf(call->home, sizeof call->home, "%s", fc_value(call, FC_OPTION_HOME));
    else if (data != NULL && data[0] == '/')
        len = snprintf(call->home, sizeof call->home, "%s/veldkit", data);
    else
        len = snprintf(
            call->home, sizeof call->home, "%s/.local/share/veldkit", user != NULL ? user : "");
    if (len < 0 || (size_t)len >= sizeof call->home)
        return veld_fail(&call->err, VELD_E_LIMIT, "de naam van de map is te lang");
    while (len > 1 && call->home[len - 1] == '/')
        call->home[--len] = '\0';
    return VELD_OK;
}

veld_status fc_parse(fc_call *call, int count, char *const *words)
{
    veld_status status;
    VELD_ASSERT(call->arguments == NULL && count >= 0);
    if ((size_t)count > FC_ARGUMENTS_MAX)
        return veld_fail(&call->err, VELD_E_LIMIT, "te veel woorden");
    call->arguments = veld_allocate(((size_t)count + 1) * sizeof *call->arguments);
    if (call->arguments == NULL)
        return VELD_E_MEMORY;
    VELD_TRY(split(call, count, words));
    VELD_TRY(set_home(call));
    bool helps = fc_given(call, FC_OPTION_HELP) || fc_given(call, FC_OPTION_VERSION);
    if (call->arguments_count == 0) {
        status =
            helps ? VELD_OK
                  : veld_fail(&call->err, VELD_E_INVALID, "geef een opdracht; zie veldkit --help");
        goto done;
    }
    VELD_TRY(find_verb(call));
    if (!helps)
        VELD_TRY(check_usage(call));

done:
    return status;
}

/* ---- help ---- */
static veld_status help_options(fc_call *call, unsigned options)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; i < FC_OPTIONS && status == VELD_OK; i++) {
        const option_row *row = &option_rows[i];
        char left[VERB_WORD_MAX];
        (void)snprintf(left, sizeof left, "--%s%s%s", row->name, row->value != NULL ? " " : "",
            row->value != NULL ? row->value : "");
        if ((options & (1u << i)) != 0)
            status = fc_say(call, "  %-24s %s\n", left, row->text);
    }
    return status;
}

static veld_status help_verb(fc_call *call)
{
    const fc_verb *verb = call->verb;
    veld_status status;
    VELD_TRY(fc_say(call, "veldkit %s: %s\n\nVoorbeelden:\n", verb->name, verb->summary));
    for (const char *line = verb->examples; *line != '\0'; line = strchr(line, '\n') + 1)
        VELD_TRY(fc_say(call, "  %.*s\n", (int)(strchr(line, '\n') - line), line));
    VELD_TRY(fc_say(call, "\nGebruik: veldkit [opties] %s %s\n", verb->name, verb->synopsis));
    VELD_TRY(fc_say(call, "Antwoord met --json: %s\n\nOpties:\n", verb->answer));
    VELD_TRY(help_options(call, verb->options | (unsigned)OPTIONS_OF_ALL));

done:
    return status;
}

static veld_status help_all(fc_call *call)
{
    veld_status status;
    VELD_TRY(
        fc_say(call, "Voorbeelden:\n"
                     "  veldkit init --local\n"
                     "  veldkit case new --file dossier.json\n"
                     "  veldkit case list\n\n"
                     "Gebruik: veldkit [opties] OPDRACHT ...     meer: veldkit OPDRACHT --help\n"
                     "ZAAK en ONDERDEEL: het nummer, of de eerste vier of meer tekens ervan.\n\n"
                     "Opdrachten:\n"));
    for (size_t i = 0; i < fc_verbs_count; i++)
        VELD_TRY(fc_say(call, "  %-14s %s\n", fc_verbs[i].name, fc_verbs[i].summary));
    VELD_TRY(fc_say(call, "\nOpties van alle opdrachten:\n"));
    VELD_TRY(help_options(call, (unsigned)OPTIONS_OF_ALL));
    VELD_TRY(fc_say(call,
        "\nAfsluitcodes: 0 gelukt, 1 mislukt, 2 verkeerd gebruik of onjuiste gegevens, 3 deels\n"
        "gelukt, 4 er moet iemand kiezen, 5 op slot of verkeerd wachtwoord, 6 geen kluis of van "
        "een\n"
        "ander apparaat, 7 netwerk, 8 beschadigd of niet echt, 9 mag niet, 10 niet gevonden,\n"
        "130 onderbroken.\n"));

done:
    return status;
}

veld_status fc_help(fc_call *call)
{
    if (fc_given(call, FC_OPTION_VERSION))
        return fc_say(call, "veldkit " VELD_VERSION "\n");
    return call->verb != NULL ? help_verb(call) : help_all(call);
}
