/* What the library says of somebody's input, and what a check of it found, in the words of who is
 * at the screen. The library speaks English, as its log does; what it says of a field, a file or a
 * case is also for a worker.
 * Each text stands here as the library has it, a star for what differs, in both columns in one
 * order. tests/arch/words.sh finds a text that has no row. */
#include <string.h>

#include "veldkit/cli.h"

typedef struct words {
    const char *english;
    const char *dutch;
} words;

static const words rows[] = {
    /* records and fields */
    {"records of this type are made by the program", "deze soort maakt het programma zelf"},
    {"unknown member", "dit onderdeel van de invoer is niet bekend"},
    {"a UUID in lower case expected", "hier hoort een UUID, met kleine letters"},
    {"this id is in use", "dit nummer is al in gebruik"},
    {"a local name expected: 1 to * letters, digits, dashes, underscores",
        "hier hoort een eigen naam: 1 tot * letters, cijfers, streepjes"},
    {"two records with this local name", "twee onderdelen hebben deze eigen naam"},
    {"a record type is needed", "de soort van het onderdeel ontbreekt"},
    {"unknown record type", "deze soort onderdeel is niet bekend; record types noemt alle soorten"},
    {"unknown record type; it resembles: *",
        "deze soort onderdeel is niet bekend; bedoel je: *? (record types noemt alle soorten)"},
    {"a record is an object", "een onderdeel is een object: {\"type\": ..., \"fields\": ...}"},
    {"a dossier has one record of the type case", "een dossier heeft één onderdeel van soort case"},
    {"a dossier needs one record of the type case, with a title",
        "een dossier heeft een onderdeel van soort case nodig, met een titel"},
    {"an array of 1 to * records expected", "hier hoort een lijst van 1 tot * onderdelen"},
    {"a dossier is an object", "een dossier is een object met \"records\""},
    {"the case itself is not read here now", "de zaak zelf is hier nu niet te lezen"},
    {"this case has its record of the type case",
        "deze zaak heeft haar onderdeel van soort case al"},
    {"this type has no such field",
        "deze soort heeft dit veld niet; record types noemt de velden van een soort"},
    {"this type has no such field; it resembles: *",
        "deze soort heeft dit veld niet; bedoel je: *? (record types noemt alle velden)"},
    {"this type has no such field; it has: *",
        "deze soort heeft dit veld niet; wel: * (zie record types)"},
    {"assignment * is not of the form FIELD=JSON", "invulling * heeft niet de vorm VELD=JSON"},
    {"two values for one field", "een veld is twee keer ingevuld"},
    {"no such record in this case", "dit onderdeel is er niet in deze zaak"},
    {"two types of record share this id", "twee soorten onderdelen hebben dit nummer"},
    {"this record was removed", "dit onderdeel is weggehaald; record restore zet het terug"},
    {"a newer program made this type of record",
        "dit is gemaakt met een nieuwere Veldkit; werk dit apparaat bij"},
    {"id of a record, or # and a local name expected",
        "hier hoort het nummer van een onderdeel, of # en een eigen naam"},
    {"id of a record expected", "hier hoort het nummer van een onderdeel"},
    {"names a record of another type than *", "dit verwijst naar een andere soort dan *"},
    {"no such record", "dit onderdeel is er niet"},
    {"this field holds a set: array of at most *", "dit veld is een lijst van ten hoogste *"},
    {"is in the set already", "staat er al in"},
    {"cannot be so now: the schema says what has to be filled in or settled first",
        "dit kan nog niet: eerst moet iets anders ingevuld of besloten zijn"},
    {"no such step: the schema says what may follow the value that is shown",
        "deze stap kan niet volgen op wat er nu staat"},
    {"null is no value: a new record leaves the field out",
        "null is geen invulling: laat het veld weg in een nieuw onderdeel"},
    {"needs at least one element", "er moet er ten minste één in staan"},
    {"an object of at least one field expected", "hier hoort een object met ten minste één veld"},
    {"required field * is missing", "het veld * moet ingevuld worden"},
    {"is written once and has a value", "dit wordt één keer ingevuld en is al ingevuld"},
    {"is required and cannot be cleared", "dit moet ingevuld blijven"},
    {"is kept for ever and cannot be cleared", "dit blijft bewaard en kan niet leeg"},
    {"value is too large, or there is no memory", "de waarde is te groot"},
    {"more values than one save may hold, or no memory",
        "dit is te veel om in één keer te bewaren"},
    {"text of * to * characters expected", "hier hoort tekst van * tot * tekens"},
    {"text is blank", "de tekst is leeg"},
    {"text holds a control character other than line feed and tab",
        "in de tekst staat een teken dat niet te zien is"},
    {"text holds a control character; it is one line",
        "in de tekst staat een teken dat niet te zien is; het is één regel"},
    {"one of the * values of the schema expected",
        "hier hoort een van de * keuzen van dit veld; record types noemt ze"},
    {"one of the * values of the schema expected; it resembles: *",
        "hier hoort een van de * keuzen van dit veld; bedoel je: *? (record types noemt ze)"},
    {"one of these values expected: *", "hier hoort een van deze keuzen: * (zie record types)"},
    {"date expected: YYYY-MM-DD, an existing day", "hier hoort een datum: JJJJ-MM-DD, die bestaat"},
    {"instant expected: YYYY-MM-DDThh:mm:ss with Z or offset, existing day and time",
        "hier hoort een tijd: JJJJ-MM-DDTuu:mm:ss met Z of +01:00, die bestaat"},
    {"integer from * to * expected", "hier hoort een geheel getal van * tot *"},
    {"* expected, not *", "deze waarde is van een andere soort dan hier hoort"},
    {"* expected", "deze waarde is van een andere soort dan hier hoort"},
    /* files */
    {"this folder can be read only",
        "in deze map mag niet geschreven worden: zij is alleen te lezen"},
    {"the vault file is damaged, or is no vault file",
        "het bestand vault is beschadigd, of is geen kluis"},
    {"the vault file is damaged", "het bestand vault is beschadigd"},
    {"the folder of an export cannot be made", "de map van een export is niet te maken"},
    {"the place of an export is a file", "waar de export moet komen staat een bestand"},
    {"the place of an export is not empty", "de map van een export moet leeg zijn of nieuw"},
    {"there is no repository", "in deze map staat geen export"},
    {"not a bundle", "dit is geen bundel"},
    {"not a card: it starts with *", "dit is geen kaart: een kaart begint met *"},
    /* PINs, codes, the server */
    {"too easy to guess: without a hardware keystore use six words chosen at random",
        "te gemakkelijk te raden: neem zonder chip zes willekeurige woorden"},
    {"digits only: without a hardware keystore use six words chosen at random",
        "alleen cijfers: neem zonder chip zes willekeurige woorden"},
    {"use a PIN of at least * digits", "neem een pincode van minstens * cijfers"},
    {"the PIN or passphrase is not the right one", "dit is niet het goede wachtwoord"},
    {"not a code: there is no # in it", "dit is geen code: er staat geen # in"},
    {"behind the # stand 26 letters and digits", "achter de # horen 26 letters en cijfers"},
    {"* op dit apparaat sinds *; the server at * cannot be reached",
        "* op dit apparaat sinds *; de server op * is niet bereikbaar"},
    {"the server at * cannot be reached", "de server op * is niet bereikbaar"},
    {"no change of this case begins so", "geen wijziging van deze zaak begint zo"},
    {"this change was decided otherwise before", "over deze wijziging is eerder anders besloten"},
    /* JSON */
    {"json, byte *: *", "dit is geen goede JSON, bij teken *"},
    {"the object has this member twice", "dit staat er twee keer in"},
    {"the document ends too early", "het einde ontbreekt"},
    {"more than 200000 members and elements", "meer dan 200000 waarden"},
    {"more than 64 levels deep", "meer dan 64 niveaus diep"},
    {"expected a value", "hier hoort een waarde"},
    {"expected a member name in quotes", "hier hoort een naam tussen aanhalingstekens"},
    {"expected a colon behind the member name", "achter de naam hoort een dubbele punt"},
    {"expected a comma or the end of the object", "hier hoort een komma of }"},
    {"expected a comma or the end of the array", "hier hoort een komma of ]"},
    {"larger than 8 MiB", "groter dan 8 MiB"},
    {"begins with a byte order mark", "het bestand begint met een byte order mark; bewaar zonder"},
    {"expected nothing behind the value", "achter de waarde hoort niets meer"},
    {"text holds the character u+0000", "in de tekst staat het teken U+0000"},
    {"text holds a noncharacter", "in de tekst staat een teken dat niet bestaat"},
    {"expected four hexadecimal digits", "hier horen vier hexadecimale cijfers"},
    {"text holds half of a surrogate pair", "in de tekst staat een half teken"},
    {"the document ends inside a text", "het einde van een tekst ontbreekt"},
    {"unknown escape in a text", "een teken achter \\ dat niet kan"},
    {"text holds a bare control character", "in de tekst staat een teken dat niet te zien is"},
    {"text is not valid utf-8", "de tekst is geen UTF-8"},
    {"a number may have at most 63 characters", "een getal heeft ten hoogste 63 tekens"},
    {"a number may not begin with a needless zero", "een getal begint niet met een nul te veel"},
    {"an integer must lie within 2^53 - 1 of zero", "dit getal is te groot"},
    {"expected a digit of the exponent", "in dit getal ontbreekt een cijfer achter de e"},
    {"expected a digit of the fraction", "in dit getal ontbreekt een cijfer achter de punt"},
    {"expected a digit of the number", "in dit getal ontbreekt een cijfer"},
    {"expected a number without fraction or exponent", "hier hoort een geheel getal"},
    {"the number has more digits or size than a double", "dit getal is te groot of te lang"},
    {"zero may not have a minus sign", "voor een nul staat geen min"},
    /* what a check found, or a bundle left out */
    {"case *: *: *", "zaak *: niet alles is overgenomen (*: *)"},
    {"change *: its device is not known here",
        "wijziging *: het apparaat dat haar maakte is hier niet bekend"},
    {"change *: its signature does not fit", "wijziging *: de handtekening klopt niet"},
    {"change *: its row says another name than follows from its content",
        "wijziging *: zij heet hier anders dan uit haar inhoud volgt"},
    {"change *: its tree does not follow from its past",
        "wijziging *: wat haar maker toen zag volgt niet uit wat eraan voorafging"},
    {"change * is of a revoked device or key and not taken in",
        "wijziging * is van een ingetrokken apparaat of een sleutel van vroeger, en kantoor heeft "
        "haar niet overgenomen"},
    {"change * was never taken in and is not to be sent",
        "wijziging * is nooit door kantoor overgenomen en staat niet klaar om te verzenden"},
    {"the checkpoint with which this case begins is not what the agency signed",
        "het ijkpunt waarmee deze zaak begint is niet wat de organisatie ondertekende"},
    {"the order by which the case was erased is broken",
        "de opdracht waarmee de zaak gewist werd klopt niet"},
    {"an erased case has keys here", "van een gewiste zaak zijn hier nog sleutels"},
    {"the stub of an erased case is broken", "het bewijs van een wissing klopt niet"},
    {"the case in which an erased one goes on is not here",
        "de zaak waarin een gewiste doorgaat is hier niet"},
    {"work of an erased case was set aside and can be read",
        "in de wachtkamer is nog werk van een gewiste zaak te lezen"},
    {"the case cannot be read: *", "de zaak kan niet gelezen worden (*)"},
    {"decision *: a signature without a statement",
        "beslissing *: er is een handtekening, en niet wat ondertekend is"},
    {"decision *: it changed the field before a second person agreed",
        "beslissing *: zij gold voordat een tweede persoon het eens was"},
    {"decision *: it was not written by the office", "beslissing *: zij is niet van kantoor"},
    {"decision *: its record says something else than was signed",
        "beslissing *: er staat iets anders dan ondertekend is"},
    {"decision *: its statement has not its form",
        "beslissing *: wat ondertekend is heeft niet de goede vorm"},
    {"decision *: the directory's entry of who signed does not fit",
        "beslissing *: wie ondertekende staat zo niet in de sleutellijst"},
    {"decision *: the person's signature does not fit",
        "beslissing *: de handtekening van de persoon klopt niet"},
    {"decision *: the signature was left out", "beslissing *: de handtekening ontbreekt"},
    {"decision *: what was written on the field is not what was signed",
        "beslissing *: in het veld staat iets anders dan ondertekend is"},
    {"decision *: who signed was not active any more",
        "beslissing *: wie ondertekende was geen gebruiker meer"},
    {"the file of the store: *", "het bestand store.db klopt niet (*)"},
    {"a row of * does not open", "een rij van * gaat niet open"},
    {"the keys of case * do not open", "de sleutels van zaak * gaan niet open"},
    {"a row of outbox names a change that is not stored",
        "er staat een wijziging klaar om te verzenden die hier niet is"},
    {"* rows of * belong to no case that opens", "* rijen van * horen bij geen zaak die opengaat"},
    {"a change is dated before a parent",
        "een wijziging heeft een oudere datum dan een waarop zij volgt"},
    {"a change is of a newer format", "een wijziging is gemaakt met een nieuwere Veldkit"},
    {"a change is of another case", "een wijziging is van een andere zaak"},
    {"a change is signed with another key", "een wijziging is met een andere sleutel ondertekend"},
    {"a commit is no change of ours", "een commit is geen wijziging van Veldkit"},
    {"a parent is another change by its id than by its git name",
        "waarop een wijziging volgt heeft twee namen die niet bij elkaar horen"},
    {"a parent of a change is missing", "een wijziging waarop een andere volgt ontbreekt"},
    {"an object cannot be read", "een bestand van git kan niet gelezen worden"},
    {"an object is of a kind that a case has not",
        "er is een bestand van git dat in een zaak niet hoort"},
    {"no key is known for the device of a change",
        "van het apparaat van een wijziging is geen sleutel bekend"},
    {"the branch main is not what follows from the changes",
        "main is niet wat uit de wijzigingen volgt"},
    {"what a change wrote is something else than was signed",
        "wat een wijziging schreef is iets anders dan is ondertekend"},
    {"what lies apart in refs/veldkit/apart is no change of ours",
        "wat apart staat in refs/veldkit/apart is geen wijziging van ons"},
    {"the file allowed_signers is missing", "het bestand allowed_signers ontbreekt"},
    {"the file allowed_signers does not name the keys of the changes",
        "het bestand allowed_signers noemt niet de sleutels van de wijzigingen"},
    {"the file decisions/* is missing", "het bestand decisions/* ontbreekt"},
    {"the file decisions/* is not what the change has",
        "het bestand decisions/* is niet wat in de wijziging staat"},
    {"the file decisions/* belongs to no change here",
        "het bestand decisions/* hoort bij geen wijziging van deze export"},
    {"the file decisions/allowed_signers does not name the keys of who decided",
        "het bestand decisions/allowed_signers noemt niet de sleutels van wie besliste"},
    {"the files of a change are others", "de bestanden van een wijziging zijn andere"},
    {"the files of a change cannot be read", "de bestanden van een wijziging zijn niet te lezen"},
    {"the signature of a change does not fit", "de handtekening van een wijziging klopt niet"},
};

enum { HOLES_MAX = 4 };

/* What stood at each star. */
typedef struct holes {
    const char *at[HOLES_MAX];
    size_t len[HOLES_MAX];
    size_t count;
} holes;

/* A star takes as little as fits, and at least one character. As deep as there are stars. */
static bool fits(const char *pattern, const char *text, holes *out)
{
    while (*pattern != '*') {
        if (*pattern != *text)
            return false;
        if (*pattern == '\0')
            return true;
        pattern++;
        text++;
    }
    const size_t hole = out->count++;
    for (size_t len = 1; hole < HOLES_MAX && len <= strlen(text); len++) {
        out->at[hole] = text;
        out->len[hole] = len;
        if (fits(pattern + 1, text + len, out))
            return true;
        out->count = hole + 1;
    }
    return false;
}

static veld_status write_dutch(const char *dutch, const holes *found, veld_buf *out)
{
    size_t used = 0;
    veld_status status = VELD_OK;
    for (; *dutch != '\0' && status == VELD_OK; dutch++) {
        if (*dutch != '*' || used == found->count) {
            status = veld_buf_append_byte(out, (uint8_t)*dutch);
            continue;
        }
        status = veld_buf_append(out, (const uint8_t *)found->at[used], found->len[used]);
        used++;
    }
    return status;
}

veld_status veld_cli_in_words(const char *text, veld_buf *out)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        holes found = {.count = 0};
        if (fits(rows[i].english, text, &found))
            return write_dutch(rows[i].dutch, &found, out);
    }
    return veld_buf_append_text(out, text);
}
