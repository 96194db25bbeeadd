/* The one table of verbs: parser, help and the suggestion after a typing error all read it, so a
 * verb that works and a verb that is documented are the same thing. */
#include <stdio.h>
#include <stdlib.h>

#include "fc.h"

#define NO_LIMIT (VELD_CLI_ARGUMENTS_MAX)

/* In the order of their bits. */
static const veld_cli_option options[] = {
    {"local", NULL, "een kluis zonder organisatie"},
    {"name", "NAAM", "je naam, zoals collega's die zien (anders je inlognaam)"},
    {"quick-pin", NULL, "reken zo kort als mag aan het wachtwoord: minder veilig, voor proeven"},
    {"file", "BESTAND", "dit bestand; - is standaardinvoer"},
    {"values", NULL, "ook de geschreven waarden"},
    {"check", "CODE", "de controlecode die je collega op het scherm ziet"},
    {"yes", NULL, "vraag niet om bevestiging"},
    {"to", "COLLEGA", "voor wie: de naam op een bewaard kaartje, of het begin van het nummer"},
    {"idle", "MINUTEN", "sluit na zoveel minuten zonder opdracht (anders 10)"},
    {"once", NULL, "wissel uit tot beide kanten niets meer hebben, en stop"},
    {"compartment", "DEEL",
        "welk afgeschermd deel van het dossier (anders main, en van een onderdeel het deel waar "
        "het in "
        "staat)"},
    {"keystore", "SOORT",
        "waar de sleutel van het apparaat is: tpm2 of file (anders tpm2 als er een is)"},
    {"generate-passphrase", NULL, "maak een sterk wachtwoord van zes woorden, en toon het"},
    {"new-pin-file", "BESTAND", "lees de nieuwe pincode of het nieuwe wachtwoord uit dit bestand"},
    {"at", "TIJDSTIP", "wat toen te zien was, met seconden en tijdzone"},
    {"device", "APPARAAT", "bij wie: de naam, of het begin van het nummer"},
    {"recovery", "CODE", "de herstelcode van het kantoor; - is standaardinvoer"},
    {"worker", "NAAM", "wie van de medewerkers van deze tablet: elk heeft een eigen kluis"},
    {"keep", "DAGEN", "houd wat jonger is als losse wijzigingen (anders 30)"},
    {"emergency", NULL, "in een crisis, zonder dat de zaak is toegewezen; wordt vastgelegd"},
    {"reason", "TEKST",
        "waarom het nu moet; te zien voor kantoor en voor wie de zaak heeft; - is standaardinvoer"},
};

static const veld_cli_verb verbs[] = {
    {"init", "--local [--name NAAM] [--keystore tpm2|file] [--generate-passphrase] [--quick-pin]",
        "maakt een kluis op dit apparaat, zonder organisatie: om te proberen",
        "veldkit init --local\n"
        "veldkit init --local --generate-passphrase\n"
        "veldkit --home /tmp/proef --pin-file wachtwoord.txt init --local --name \"A. de Vries\"\n",
        "{\"device\",\"worker\",\"keystore\"}; met --generate-passphrase ook passphrase",
        FC_OPTION_LOCAL | FC_OPTION_NAME | FC_OPTION_QUICK_PIN | FC_OPTION_KEYSTORE |
            FC_OPTION_GENERATE,
        FC_OPTION_LOCAL, 0, 0, VELD_CLI_PLACE_ALONE, fc_verb_init},
    {"enrol", "CODE [--name NAAM] [--keystore tpm2|file] [--quick-pin]",
        "meldt dit apparaat aan bij een organisatie, met een code van het kantoor; maakt eerst een "
        "kluis als die er niet is",
        "veldkit enrol 'https://vt.example:8443#K7Q2-...'\n",
        "{\"agency\",\"check\",\"device\",\"worker\"}",
        FC_OPTION_NAME | FC_OPTION_QUICK_PIN | FC_OPTION_KEYSTORE, 0, 1, 1, VELD_CLI_PLACE_BARE,
        fc_verb_enrol},
    {"sync", "--once", "wisselt uit met de server van de organisatie",
        "veldkit sync --once\n"
        "veldkit sync --once --json\n",
        "{\"bytesDown\",\"bytesUp\",\"conflicts\",\"receipts\",\"received\",\"roundTrips\","
        "\"sent\",\"takenIn\"}",
        FC_OPTION_ONCE, FC_OPTION_ONCE, 0, 0, VELD_CLI_PLACE_VAULT, fc_verb_sync},
    {"receipts", "", "toont hoe ver elke eigen wijziging is: ontvangen, opgenomen",
        "veldkit receipts\n"
        "veldkit receipts --json\n",
        "[{\"change\",\"received\",\"review\",\"takenIn\"}], met null voor wat er nog niet is", 0,
        0, 0, 0, VELD_CLI_PLACE_VAULT, fc_verb_receipts},
    {"unlock", "[--idle MINUTEN] [--recovery CODE [--new-pin-file BESTAND]]",
        "houdt de kluis open, zodat opdrachten geen wachtwoord meer vragen",
        "veldkit unlock\n"
        "veldkit unlock --idle 30\n"
        "veldkit unlock --recovery 7K3M-...\n",
        "{\"owner\"}",
        FC_OPTION_IDLE | FC_OPTION_RECOVERY | FC_OPTION_NEW_PIN | FC_OPTION_QUICK_PIN, 0, 0, 0,
        VELD_CLI_PLACE_BARE, fc_verb_unlock},
    {"lock", "",
        "sluit de kluis en wist de sleutels uit het geheugen; verzenden en een opdracht van "
        "kantoor "
        "om te wissen gaan door",
        "veldkit lock\n", "{\"locked\"}", 0, 0, 0, 0, VELD_CLI_PLACE_BARE, fc_verb_lock},
    {"pin change", "[--new-pin-file BESTAND | --generate-passphrase] [--keystore tpm2|file]",
        "verandert de pincode of het wachtwoord; vraagt eerst naar de oude",
        "veldkit pin change\n"
        "veldkit --pin-file oud.txt pin change --new-pin-file nieuw.txt\n",
        "{\"changed\",\"keystore\"}; met --generate-passphrase ook passphrase",
        FC_OPTION_NEW_PIN | FC_OPTION_GENERATE | FC_OPTION_KEYSTORE | FC_OPTION_QUICK_PIN, 0, 0, 0,
        VELD_CLI_PLACE_ALONE, fc_verb_pin_change},
    {"worker list", "", "toont wie op deze tablet een eigen kluis hebben, zonder die te openen",
        "veldkit worker list\n"
        "veldkit --worker anna init --local\n",
        "[{\"locked\",\"unsent\",\"worker\"}]", 0, 0, 0, 0, VELD_CLI_PLACE_ALONE,
        fc_verb_worker_list},
    {"status", "", "zegt of alles veilig is, en wat er op dit apparaat staat", "veldkit status\n",
        "{\"agency\",\"cases\",\"changes\",\"device\",\"directory\":{\"broken\",\"root\",\"size\"},"
        "\"inReview\",\"keystore\",\"lastContact\","
        "\"oldestUnsent\",\"owner\",\"received\",\"revoked\",\"server\",\"unsent\",\"unsentLog\","
        "\"worker\"}; "
        "op slot en "
        "zonder wachtwoord "
        "{\"locked\",\"sending\",\"unsent\"}; door kantoor gewist "
        "{\"confirmed\",\"reason\",\"wiped\"}",
        0, 0, 0, 0, VELD_CLI_PLACE_BARE, fc_verb_status},
    {"case new", "--file DOSSIER.json", "legt een nieuwe zaak aan",
        "veldkit case new --file dossier.json\n"
        "veldkit case new --json --file - < dossier.json\n",
        "{\"case\"}", FC_OPTION_FILE, FC_OPTION_FILE, 0, 0, VELD_CLI_PLACE_VAULT, fc_verb_case_new},
    {"case list", "", "toont de zaken op dit apparaat", "veldkit case list\n",
        "[{\"case\",\"title\",\"records\",\"unsent\"}], met null voor wat nu niet leesbaar is", 0,
        0, 0, 0, VELD_CLI_PLACE_VAULT, fc_verb_case_list},
    {"case show", "ZAAK [--compartment DEEL]", "toont wat er nu in een zaak staat",
        "veldkit case show 0190d2f4\n",
        "{\"case\",\"stateId\",\"records\":[{\"record\",\"type\",\"fields\",\"conflicts\",\"logs\"}"
        "]}, van "
        "een ander deel ook \"compartment\" en \"parts\"",
        FC_OPTION_COMPARTMENT, 0, 1, 1, VELD_CLI_PLACE_VAULT, fc_verb_case_show},
    {"case history", "ZAAK [--compartment DEEL]",
        "haalt bij de volgende synchronisatie op wat van een zaak voor het ijkpunt ligt",
        "veldkit case history 0190d2f4\n", "{\"case\",\"wanted\"}", FC_OPTION_COMPARTMENT, 0, 1, 1,
        VELD_CLI_PLACE_VAULT, fc_verb_case_history},
    {"case compact", "ZAAK [--keep DAGEN] [--compartment DEEL]",
        "vat oude wijzigingen die kantoor heeft samen in een ijkpunt: dat scheelt ruimte en tijd",
        "veldkit case compact 0190d2f4\n"
        "veldkit case compact 0190d2f4 --keep 7\n",
        "{\"case\",\"folded\"}", FC_OPTION_KEEP | FC_OPTION_COMPARTMENT, 0, 1, 1,
        VELD_CLI_PLACE_VAULT, fc_verb_case_compact},
    {"case open", "ZAAK --emergency --reason TEKST",
        "opent in een crisis een zaak die hier alleen voor nood is, vier uur lang, ook zonder "
        "verbinding",
        "veldkit case open 0190d2f4 --emergency --reason \"politie staat voor de deur\"\n",
        "{\"case\",\"until\"}; was de zaak al open, dan ook \"openedFor\": de reden die is "
        "vastgelegd",
        FC_OPTION_EMERGENCY | FC_OPTION_REASON, FC_OPTION_EMERGENCY | FC_OPTION_REASON, 1, 1,
        VELD_CLI_PLACE_VAULT, fc_verb_case_open},
    {"record put", "ZAAK TYPE --file RECORD.json [--compartment DEEL]",
        "voegt een onderdeel toe aan een zaak",
        "veldkit record put 0190d2f4 note --file notitie.json\n", "{\"record\",\"change\"}",
        FC_OPTION_FILE | FC_OPTION_COMPARTMENT, FC_OPTION_FILE, 2, 2, VELD_CLI_PLACE_VAULT,
        fc_verb_record_put},
    {"record set", "ZAAK ONDERDEEL VELD=JSON...|- [--compartment DEEL]",
        "verandert velden; null maakt een veld leeg; - leest VELD=JSON van standaardinvoer, een "
        "per regel",
        "veldkit record set 0190d2f4 0190d2f5 'name=\"A. Jansen\"'\n"
        "veldkit record set 0190d2f4 0190d2f5 - < velden.txt\n"
        "veldkit record set 0190d2f4 0190d2f5 name=null\n",
        "{\"change\"}, null als er niets veranderde", FC_OPTION_COMPARTMENT, 0, 3, NO_LIMIT,
        VELD_CLI_PLACE_VAULT, fc_verb_record_set},
    {"record delete", "ZAAK ONDERDEEL [--compartment DEEL]",
        "haalt een onderdeel weg; het blijft in de geschiedenis",
        "veldkit record delete 0190d2f4 0190d2f5\n", "{\"change\"}, null als het al weg was",
        FC_OPTION_COMPARTMENT, 0, 2, 2, VELD_CLI_PLACE_VAULT, fc_verb_record_delete},
    {"record restore", "ZAAK ONDERDEEL [--compartment DEEL]",
        "zet een weggehaald onderdeel terug, of houdt het",
        "veldkit record restore 0190d2f4 0190d2f5\n", "{\"change\"}, null als het er gewoon was",
        FC_OPTION_COMPARTMENT, 0, 2, 2, VELD_CLI_PLACE_VAULT, fc_verb_record_restore},
    {"record show", "ZAAK ONDERDEEL [--compartment DEEL]", "toont een onderdeel",
        "veldkit record show 0190d2f4 0190d2f5\n",
        "{\"record\",\"type\",\"fields\",\"conflicts\",\"logs\"}", FC_OPTION_COMPARTMENT, 0, 2, 2,
        VELD_CLI_PLACE_VAULT, fc_verb_record_show},
    {"record types", "[SOORT]",
        "noemt de soorten onderdelen, of van een soort de velden en de keuzen",
        "veldkit record types\n"
        "veldkit record types safety-agreement\n",
        veld_label_types_answer, 0, 0, 0, 1, VELD_CLI_PLACE_NOWHERE, veld_label_verb_types},
    {"note quick", "--file BESTAND",
        "verzegelt een notitie zonder zaak voor de organisatie, die haar uitzoekt",
        "veldkit note quick --file notitie.txt\n"
        "veldkit note quick --file -\n",
        "{\"case\",\"change\"}", FC_OPTION_FILE, FC_OPTION_FILE, 0, 0, VELD_CLI_PLACE_VAULT,
        fc_verb_note_quick},
    {"conflicts", "[ZAAK] [--compartment DEEL]", "toont waar iemand moet kiezen",
        "veldkit conflicts\n",
        "[{\"conflict\",\"case\",\"compartment\",\"record\",\"field\",\"base\",\"effective\","
        "\"sides\":[{\"value\",\"worker\",\"device\",\"time\",\"clock\",\"received\","
        "\"serverTime\",\"skewed\"}]}"
        "]",
        FC_OPTION_COMPARTMENT, 0, 0, 1, VELD_CLI_PLACE_VAULT, fc_verb_conflicts},
    {"log", "ZAAK [--values] [--compartment DEEL] [--at TIJDSTIP --device APPARAAT]",
        "toont wie wat wanneer deed, het nieuwste eerst; of wat een apparaat toen kon tonen",
        "veldkit log 0190d2f4\n"
        "veldkit log 0190d2f4 --json --values\n"
        "veldkit log 0190d2f4 --at 2026-03-02T20:30:00+01:00 --device \"A. de Vries\"\n",
        "[{\"change\",\"number\",\"device\",\"worker\",\"time\",\"clock\",\"received\","
        "\"serverTime\",\"skewed\","
        "\"parents\","
        "\"writes\":[{\"record\",\"type\",\"field\"}]}]; met --at "
        "{\"at\",\"case\",\"device\",\"worker\",\"last\",\"next\","
        "\"certain\":{\"changes\",\"conflicts\",\"records\"},\"possible\":{...}}",
        FC_OPTION_VALUES | FC_OPTION_COMPARTMENT | FC_OPTION_AT | FC_OPTION_DEVICE, 0, 1, 1,
        VELD_CLI_PLACE_VAULT, fc_verb_log},
    {"diff", "ZAAK A B [--compartment DEEL]", "toont wat er tussen twee wijzigingen anders werd",
        "veldkit diff 0190d2f4 3b1f 9c04\n",
        "[{\"record\",\"type\",\"field\",\"before\",\"after\"}]", FC_OPTION_COMPARTMENT, 0, 3, 3,
        VELD_CLI_PLACE_VAULT, fc_verb_diff},
    {"blame", "ZAAK ONDERDEEL [--compartment DEEL]", "toont per veld wie het schreef, en wanneer",
        "veldkit blame 0190d2f4 0190d2f5\n",
        "[{\"field\",\"value\",\"change\",\"number\",\"device\",\"worker\",\"time\",\"clock\","
        "\"received\",\"serverTime\",\"skewed\"}]",
        FC_OPTION_COMPARTMENT, 0, 2, 2, VELD_CLI_PLACE_VAULT, fc_verb_blame},
    {"export", "ZAAK MAP [--compartment DEEL]",
        "schrijft een zaak als gewone git-map, leesbaar zonder Veldkit",
        "veldkit export 0190d2f4 ./zaak\n",
        "{\"apart\",\"case\",\"changes\",\"decisions\",\"dir\",\"leftOut\"}", FC_OPTION_COMPARTMENT,
        0, 2, 2, VELD_CLI_PLACE_VAULT, fc_verb_export},
    {"verify", "ZAAK|MAP [--compartment DEEL]",
        "controleert een zaak, of een export met alles wat erbij ligt",
        "veldkit verify 0190d2f4\n"
        "veldkit verify ./zaak\n",
        "{\"case\",\"changes\",\"decisions\":{\"office\",\"persons\"},...,\"findings\":[{\"text\"}]"
        "}; met before als een ijkpunt voor oudere wijzigingen staat",
        FC_OPTION_COMPARTMENT, 0, 1, 1, VELD_CLI_PLACE_VAULT, fc_verb_verify},
    {"fsck", "", "controleert alles wat op dit apparaat is opgeslagen", "veldkit fsck\n",
        "{\"cases\",\"changes\",\"damaged\",...,\"findings\":[{\"case\",\"text\"}]}", 0, 0, 0, 0,
        VELD_CLI_PLACE_VAULT, fc_verb_fsck},
    {"card", "", "toont je eigen kaartje, om aan een collega te geven", "veldkit card > kaartje\n",
        "{\"card\",\"code\",\"device\",\"name\"}", 0, 0, 0, 0, VELD_CLI_PLACE_VAULT, fc_verb_card},
    {"card add", "KAARTJE|- [--yes --check CODE]", "bewaart het kaartje van een collega",
        "veldkit card add kaartje\n"
        "veldkit card add kaartje --yes --check 7K3M-Q9TA-X2DB\n",
        "{\"device\",\"name\",\"code\",\"added\"}", FC_OPTION_YES | FC_OPTION_CHECK, 0, 1, 1,
        VELD_CLI_PLACE_VAULT, fc_verb_card_add},
    {"card list", "", "toont de bewaarde kaartjes", "veldkit card list\n",
        "[{\"device\",\"name\",\"code\"}]", 0, 0, 0, 0, VELD_CLI_PLACE_VAULT, fc_verb_card_list},
    {"bundle make", "ZAAK... --to COLLEGA --file BESTAND",
        "schrijft zaken naar een bestand voor een collega van wie je het kaartje hebt",
        "veldkit bundle make 0190d2f4 --to \"B. Jansen\" --file /media/stick/voor-jansen.vkb\n",
        "{\"bytes\",\"cases\",\"file\"}", FC_OPTION_TO | FC_OPTION_FILE,
        FC_OPTION_TO | FC_OPTION_FILE, 1, NO_LIMIT, VELD_CLI_PLACE_VAULT, fc_verb_bundle_make},
    {"bundle take", "BESTAND", "neemt over wat een collega in een bestand gaf",
        "veldkit bundle take /media/stick/voor-jansen.vkb\n",
        "{\"added\",\"cases\",\"forged\",\"known\",\"newCases\",\"otherTree\",\"refused\","
        "\"unknownDevice\"}",
        0, 0, 1, 1, VELD_CLI_PLACE_VAULT, fc_verb_bundle_take},
};

static int default_folder(char *out, size_t size)
{
    const char *data = getenv("XDG_DATA_HOME");
    const char *user = getenv("HOME");
    if (data != NULL && data[0] == '/')
        return snprintf(out, size, "%s/veldkit", data);
    if (user == NULL || user[0] == '\0')
        return 0;
    return snprintf(out, size, "%s/.local/share/veldkit", user);
}

const veld_cli_program fc_program = {
    .name = "veldkit",
    .version = VELD_VERSION,
    .help = "Voorbeelden:\n"
            "  veldkit init --local\n"
            "  veldkit case new --file dossier.json\n"
            "  veldkit case list\n\n"
            "Gebruik: veldkit [opties] OPDRACHT ...     meer: veldkit OPDRACHT --help\n"
            "ZAAK en ONDERDEEL: het nummer, of vier of meer tekens van het begin of het einde.\n",
    .exit_codes =
        "\nAfsluitcodes: 0 gelukt, 1 mislukt, 2 verkeerd gebruik of onjuiste gegevens, 3 deels\n"
        "gelukt, 4 er moet iemand kiezen, 5 op slot of verkeerd wachtwoord, 6 geen kluis of van "
        "een\n"
        "ander apparaat, 7 netwerk, 8 beschadigd of niet echt, 9 mag niet, 10 niet gevonden,\n"
        "130 onderbroken, 141 wie de uitvoer las is weg.\n",
    .folder = {"home", "MAP", "map van de kluis (anders ~/.local/share/veldkit)"},
    .options = options,
    .options_count = sizeof options / sizeof options[0],
    .options_of_all = (VELD_CLI_OWN - 1) | FC_OPTION_WORKER,
    .verbs = verbs,
    .verbs_count = sizeof verbs / sizeof verbs[0],
    .default_folder = default_folder,
    .texts = FC_OPTION_REASON,
    .around = fc_around,
};
