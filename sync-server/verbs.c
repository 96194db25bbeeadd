/* The one table of verbs: parser, help and the suggestion after a typing error all read it, so a
 * verb that works and a verb that is documented are the same thing. */
#include "srv.h"

/* In the order of their bits. */
static const veld_cli_option options[] = {
    {"name", "NAAM", "naam van de organisatie, zoals tablets die tonen"},
    {"listen", "ADRES:POORT",
        "waar tablets verbinding maken (anders 127.0.0.1 en een vrije poort)"},
    {"worker", "NAAM", "wie met de tablet gaat werken"},
    {"take", "KEUZE", "side=NUMMER, base of value=JSON; - is standaardinvoer"},
    {"reason", "TEKST",
        "waarom; bij een keuze gaat het met de beslissing mee naar de tablets; - is "
        "standaardinvoer"},
    {"by", "GEBRUIKER", "wie dit doet, met haar pincode in --pin-file (anders operator)"},
    {"confirm", NULL,
        "bij device invite: laat de tablet pas toe na device approve; bij case erase: wis echt"},
    {"compartment", "DEEL", "welk afgeschermd deel van het dossier (anders main)"},
    {"role", "ROL",
        "field_worker, office_worker, case_manager, specialist, team_lead, reporting, admin of "
        "auditor"},
    {"old-pin-file", "BESTAND", "lees de oude pincode uit de eerste regel van dit bestand"},
    {"new-key", NULL, "de oude pincode is vergeten: maak een nieuwe sleutel"},
    {"lease", "UREN", "hoe lang de zaak zonder contact te lezen is (anders 72; 1 tot 720)"},
    {"wipe", NULL, "laat de tablet ook alles wissen, nadat hij heeft ingeleverd"},
    {"expect", "STAND",
        "beslis alleen als de keuze nog is zoals zij getoond werd (\"expect\"); nodig waar al een "
        "voorstel ligt"},
    {"revise", NULL, "neem een eerdere beslissing terug"},
    {"owner", "NAAM", "wie de keuze onder zich heeft"},
    {"deadline", "JJJJ-MM-DD", "wanneer er uiterlijk gekozen moet zijn"},
    {"case", "ZAAK",
        "van deze zaak en al haar delen, of van meer zaken met komma's ertussen; van een gewiste "
        "zaak het hele nummer"},
    {"device", "APPARAAT", "van dit apparaat"},
    {"user", "GEBRUIKER", "van deze gebruiker, met de hele naam"},
    {"from", "TIJD", "vanaf deze tijd of dag"},
    {"to", "TIJD", "tot deze tijd of dag"},
    {"action", "SOORT", "read, write, create, search, export, transfer, emergency, audit, ..."},
    {"file", "BESTAND", "naar dit nieuwe bestand"},
    {"at", "TIJD", "op dit moment"},
    {"root", "MAP", "waar de map root nu staat (anders in de map van --dir)"},
    {"paper", "BESTAND", "lees de regels van het papier uit dit bestand (anders standaardinvoer)"},
    {"emergency", NULL, "alleen om in een crisis te openen; dat wordt vastgelegd en is te zien"},
    {"pack", "SOORT",
        "assigned (alles wat is toegewezen) of today (wat vandaag een afspraak heeft)"},
    {"part", "ONDERDEEL", "alleen dit onderdeel, of meer met komma's ertussen"},
    {"lost", NULL, "de oude sleutel is in verkeerde handen: hij geldt niet meer"},
    {"resume", NULL, "maak een wisseling af die is afgebroken"},
    {"keystore", "SOORT", "waar de sleutel van de verwerking is: file of tpm2 (anders file)"},
    {"check", "CODE", "de controlecode die de medewerker van haar tablet voorleest"},
};

#define DIR       VELD_CLI_FOLDER
#define AS_PERSON (SRV_OPTION_BY | VELD_CLI_PIN_FILE)
#define OF_LOG                                                                                     \
    (SRV_OPTION_CASE | SRV_OPTION_COMPARTMENT | SRV_OPTION_DEVICE | SRV_OPTION_USER |              \
        SRV_OPTION_FROM | SRV_OPTION_TO | SRV_OPTION_ACTION | AS_PERSON)

static const veld_cli_verb verbs[] = {
    {"init", "--dir MAP --name NAAM [--keystore SOORT]",
        "maakt een organisatie: sleutels, mappen en opslag",
        "veldkit-server init --dir /srv/veldkit --name \"Veilig Thuis Voorbeeld\"\n",
        "{\"agency\",\"name\",\"operator\"}", SRV_OPTION_NAME | SRV_OPTION_KEYSTORE,
        DIR | SRV_OPTION_NAME, 0, 0, VELD_CLI_PLACE_ALONE, srv_verb_init},
    {"serve", "--dir MAP [--listen ADRES:POORT]", "bedient tablets tot Ctrl-C of SIGTERM",
        "veldkit-server serve --dir /srv/veldkit --listen 0.0.0.0:8443\n"
        "veldkit-server serve --dir /srv/veldkit --json\n",
        "eerst {\"event\":\"listening\",\"url\"}, daarna {\"event\",\"role\"} als een deel uitviel",
        SRV_OPTION_LISTEN, DIR, 0, 0, VELD_CLI_PLACE_ALONE, srv_verb_serve},
    {"status", "--dir MAP", "zegt wat er is, en waarvoor gezorgd moet worden",
        "veldkit-server status --dir /srv/veldkit\n",
        "{\"address\",\"agency\",\"cases\",\"changes\",\"devices\",\"keys\",\"lastBackup\","
        "\"merger\","
        "\"name\",\"relay\",\"rootHere\",\"serverCertificateEnds\",\"serverCertificateEndsSoon\","
        "\"serving\"}; met diverged als tablets een andere stand hebben, decisionsHeld en "
        "decisionsNowCounting als een regel beslissingen aanhoudt of aanhield, refused als de "
        "relay iets niet aanneemt, en sandbox:{\"calls\",\"files\"} als de server draait",
        0, DIR, 0, 0, VELD_CLI_PLACE_VAULT, srv_verb_status},
    {"keys list", "--dir MAP",
        "toont de sleutels van de organisatie: hoe oud, en of zij nog gelden",
        "veldkit-server keys list --dir /srv/veldkit\n",
        "{\"edition\",\"keys\":[{\"changeable\",\"due\",\"fingerprint\",\"former\",\"key\","
        "\"overdue\",\"since\","
        "\"waiting\"}],\"serverCertificateEnds\"}",
        0, DIR, 0, 0, VELD_CLI_PLACE_VAULT, srv_verb_keys_list},
    {"keys change", "--dir MAP seal|relay|ca|admin [--root MAP] [--lost] | --dir MAP --resume",
        "vervangt een sleutel; de server staat zolang stil, tablets nemen de nieuwe zelf over",
        "veldkit-server keys change --dir /srv/veldkit seal --root /media/stick/root\n"
        "veldkit-server keys change --dir /srv/veldkit relay --lost\n"
        "veldkit-server keys change --dir /srv/veldkit --resume\n",
        "{\"edition\",\"wrapped\"}", SRV_OPTION_ROOT | SRV_OPTION_LOST | SRV_OPTION_RESUME, DIR, 0,
        1, VELD_CLI_PLACE_ALONE, srv_verb_keys_change},
    {"keys end", "--dir MAP seal|relay|ca [--root MAP]",
        "laat sleutels van vroeger vervallen, als niemand en niets ze nog nodig heeft",
        "veldkit-server keys end --dir /srv/veldkit seal\n", "{\"edition\",\"wrapped\"}",
        SRV_OPTION_ROOT, DIR, 1, 1, VELD_CLI_PLACE_ALONE, srv_verb_keys_end},
    {"keys print", "--dir MAP [--root MAP]",
        "toont de wortelsleutel en de herstelsleutel als woorden, om op papier te bewaren",
        "veldkit-server keys print --dir /srv/veldkit --root /media/stick/root\n",
        "{\"agency\",\"fingerprint\",\"name\",\"recovery\":[...],\"root\":[...]}", SRV_OPTION_ROOT,
        DIR, 0, 0, VELD_CLI_PLACE_ALONE, srv_verb_keys_print},
    {"keys check", "--dir MAP [--paper BESTAND]",
        "controleert of een sleutel op papier goed is overgenomen",
        "veldkit-server keys check --dir /srv/veldkit\n", "{\"agency\",\"key\"}", SRV_OPTION_PAPER,
        DIR, 0, 0, VELD_CLI_PLACE_ALONE, srv_verb_keys_check},
    {"keys restore", "--dir MAP [--root MAP] [--paper BESTAND]",
        "maakt van een sleutel op papier weer een bestand, in de map van --root",
        "veldkit-server keys restore --dir /srv/veldkit --root /media/stick/root\n",
        "{\"agency\",\"key\"}", SRV_OPTION_ROOT | SRV_OPTION_PAPER, DIR, 0, 0, VELD_CLI_PLACE_ALONE,
        srv_verb_keys_restore},
    {"profile", "--dir MAP [--pack assigned|today]",
        "zegt of bepaalt wat op de tablets te lezen is: alle toegewezen zaken, of alleen die met "
        "een afspraak vandaag; toevoegen kan altijd",
        "veldkit-server profile --dir /srv/veldkit\n"
        "veldkit-server profile --dir /srv/veldkit --pack today\n",
        "{\"pack\"}", SRV_OPTION_PACK, DIR, 0, 0, VELD_CLI_PLACE_VAULT, srv_verb_profile},
    {"device invite", "--dir MAP --worker NAAM [--confirm]",
        "maakt een code waarmee een tablet bij de organisatie komt",
        "veldkit-server device invite --dir /srv/veldkit --worker \"A. de Vries\"\n", "{\"code\"}",
        SRV_OPTION_WORKER | SRV_OPTION_CONFIRM, DIR | SRV_OPTION_WORKER, 0, 0, VELD_CLI_PLACE_VAULT,
        srv_verb_device_invite},
    {"device approve", "--dir MAP APPARAAT|CODE [--check CODE]",
        "laat een wachtende tablet toe, als zijn controlecode dezelfde is als hier",
        "veldkit-server device approve --dir /srv/veldkit K7Q2-9FWE-0M3T\n"
        "veldkit-server device approve --dir /srv/veldkit 0190d2f4 --check K7Q2-9FWE-0M3T\n",
        "{\"approved\"}", SRV_OPTION_CHECK, DIR, 1, 1, VELD_CLI_PLACE_VAULT,
        srv_verb_device_approve},
    {"device list", "--dir MAP", "toont de tablets van de organisatie",
        "veldkit-server device list --dir /srv/veldkit\n",
        "[{\"check\",\"device\",\"lastSeen\",\"state\",\"worker\"}]; met copied als er een kopie "
        "in gebruik "
        "is",
        0, DIR, 0, 0, VELD_CLI_PLACE_VAULT, srv_verb_device_list},
    {"device recovery", "--dir MAP APPARAAT",
        "geeft de code waarmee een medewerker die haar pincode kwijt is weer in haar kluis komt",
        "veldkit-server device recovery --dir /srv/veldkit 0190d2f4\n",
        "{\"code\",\"device\",\"kept\",\"used\"}", 0, DIR, 1, 1, VELD_CLI_PLACE_VAULT,
        srv_verb_device_recovery},
    {"user add", "--dir MAP NAAM --role ROL [--pin-file BESTAND]",
        "voegt een medewerker toe; met een pincode krijgt zij een eigen sleutel",
        "veldkit-server user add --dir /srv/veldkit \"B. Jansen\" --role case_manager --pin-file "
        "pin\n",
        "{\"role\",\"user\"}", SRV_OPTION_ROLE | VELD_CLI_PIN_FILE, DIR | SRV_OPTION_ROLE, 1, 1,
        VELD_CLI_PLACE_VAULT, srv_verb_user_add},
    {"user role", "--dir MAP NAAM --role ROL", "geeft een medewerker een andere rol",
        "veldkit-server user role --dir /srv/veldkit \"B. Jansen\" --role team_lead\n",
        "{\"role\",\"user\"}", SRV_OPTION_ROLE, DIR | SRV_OPTION_ROLE, 1, 1, VELD_CLI_PLACE_VAULT,
        srv_verb_user_role},
    {"user disable", "--dir MAP NAAM", "schakelt een medewerker uit; wat zij ondertekende blijft",
        "veldkit-server user disable --dir /srv/veldkit \"B. Jansen\"\n", "{\"role\",\"user\"}", 0,
        DIR, 1, 1, VELD_CLI_PLACE_VAULT, srv_verb_user_disable},
    {"user enable", "--dir MAP NAAM",
        "schakelt een medewerker weer in, met de rol en pincode van eerst",
        "veldkit-server user enable --dir /srv/veldkit \"B. Jansen\"\n", "{\"role\",\"user\"}", 0,
        DIR, 1, 1, VELD_CLI_PLACE_VAULT, srv_verb_user_enable},
    {"user pin", "--dir MAP NAAM --pin-file BESTAND [--old-pin-file BESTAND | --new-key]",
        "geeft een medewerker een pincode, of een andere",
        "veldkit-server user pin --dir /srv/veldkit operator --pin-file pin\n"
        "veldkit-server user pin --dir /srv/veldkit operator --old-pin-file pin --pin-file nieuw\n",
        "{\"role\",\"user\"}", VELD_CLI_PIN_FILE | SRV_OPTION_OLD_PIN_FILE | SRV_OPTION_NEW_KEY,
        DIR | VELD_CLI_PIN_FILE, 1, 1, VELD_CLI_PLACE_VAULT, srv_verb_user_pin},
    {"user list", "--dir MAP", "toont de medewerkers, hun rol en of zij kunnen ondertekenen",
        "veldkit-server user list --dir /srv/veldkit\n",
        "[{\"key\",\"name\",\"role\",\"state\",\"user\"}]", 0, DIR, 0, 0, VELD_CLI_PLACE_VAULT,
        srv_verb_user_list},
    {"case list", "--dir MAP [--by GEBRUIKER --pin-file BESTAND]", "toont alle zaken",
        "veldkit-server case list --dir /srv/veldkit\n", "[{\"case\",\"records\",\"title\"}]",
        AS_PERSON, DIR, 0, 0, VELD_CLI_PLACE_VAULT, srv_verb_case_list},
    {"case show", "--dir MAP ZAAK [--compartment DEEL] [--by GEBRUIKER --pin-file BESTAND]",
        "toont wat er nu in een zaak staat",
        "veldkit-server case show --dir /srv/veldkit 0190d2f4\n",
        "{\"case\",\"stateId\",\"records\":[{\"record\",\"type\",\"fields\",\"conflicts\",\"logs\"}"
        "]}, van "
        "een ander deel ook \"compartment\" en \"parts\"",
        SRV_OPTION_COMPARTMENT | AS_PERSON, DIR, 1, 1, VELD_CLI_PLACE_VAULT, srv_verb_case_show},
    {"case assign", "--dir MAP ZAAK APPARAAT [--compartment DEEL] [--lease UREN] [--emergency]",
        "geeft een tablet de sleutel van een zaak en van adressen die niet geheim zijn; met "
        "--emergency alleen voor nood: wie haar opent zegt waarom, en dat is te zien",
        "veldkit-server case assign --dir /srv/veldkit 0190d2f4 \"A. de Vries\"\n"
        "veldkit-server case assign --dir /srv/veldkit 0190d2f4 \"A. de Vries\" --lease 168\n"
        "veldkit-server case assign --dir /srv/veldkit 0190d2f4 \"A. de Vries\" --compartment "
        "address\n"
        "veldkit-server case assign --dir /srv/veldkit 0190d2f4 \"Nachtdienst\" --emergency\n",
        "{\"case\",\"device\"}; met --emergency ook \"emergency\"",
        SRV_OPTION_COMPARTMENT | SRV_OPTION_LEASE | SRV_OPTION_EMERGENCY, DIR, 2, 2,
        VELD_CLI_PLACE_VAULT, srv_verb_case_assign},
    {"case erase",
        "--dir MAP ZAAK --reason TEKST [--part ONDERDEEL] [--compartment DEEL] [--confirm] "
        "[--by GEBRUIKER --pin-file BESTAND]",
        "zegt wat er gewist zou worden, en wist het met --confirm overal; bewaart een ondertekend "
        "bewijs. Met --part gaat wat er nu in staat zonder dat onderdeel verder onder een nieuw "
        "nummer. Een reservekopie van sleutels kan de zaak nog 30 dagen openen: daarna is de "
        "wissing "
        "volledig (keysGone). Later nog eens gevraagd zegt het welke tablets bevestigd hebben",
        "veldkit-server case erase --dir /srv/veldkit 0190d2f4 --reason \"bewaartermijn voorbij\"\n"
        "veldkit-server case erase --dir /srv/veldkit 0190d2f4 --reason \"bewaartermijn voorbij\" "
        "--confirm\n",
        "{\"anew\",\"case\",\"keysGone\",\"late\",\"orders\":[{\"confirmed\",\"device\"}],\"stub\"}"
        "; zonder "
        "--confirm, met afsluitcode 4, "
        "{\"erased\",\"would\":[{\"case\",\"changes\",\"compartment\",\"devices\"}]}",
        SRV_OPTION_REASON | SRV_OPTION_COMPARTMENT | SRV_OPTION_CONFIRM | SRV_OPTION_PART |
            AS_PERSON,
        DIR | SRV_OPTION_REASON, 1, 1, VELD_CLI_PLACE_VAULT, srv_verb_case_erase},
    {"verify", "--dir MAP ZAAK [--compartment DEEL] [--by GEBRUIKER --pin-file BESTAND]",
        "controleert alle handtekeningen van een zaak, of het bewijs van een gewiste",
        "veldkit-server verify --dir /srv/veldkit 0190d2f4\n",
        "{\"case\",\"findings\":[{\"case\",\"text\"}],\"signatures\"}; van een gewiste zaak "
        "{\"anew\",\"by\",\"case\",\"findings\",\"ground\",\"time\"}",
        SRV_OPTION_COMPARTMENT | AS_PERSON, DIR, 1, 1, VELD_CLI_PLACE_VAULT, srv_verb_verify},
    {"fsck", "--dir MAP", "controleert alles wat het kantoor heeft opgeslagen",
        "veldkit-server fsck --dir /srv/veldkit\n",
        "{\"cases\",\"changes\",\"damaged\",\"erased\",\"findings\":[{\"case\",\"text\"}],"
        "\"signatures\"}",
        0, DIR, 0, 0, VELD_CLI_PLACE_VAULT, srv_verb_fsck},
    {"audit query",
        "--dir MAP [--case ZAAK] [--device APPARAAT] [--user GEBRUIKER] [--from TIJD] [--to TIJD] "
        "[--action SOORT] [--compartment DEEL] [--by GEBRUIKER --pin-file BESTAND]",
        "toont wie wat inzag of veranderde (inzagelog)",
        "veldkit-server audit query --dir /srv/veldkit --case 0190d2f4\n"
        "veldkit-server audit query --dir /srv/veldkit --user operator --from 2026-11-01 --json\n",
        "[{\"EventActionCode\",\"EventDateTime\",\"EventID\",\"EventOutcomeIndicator\","
        "\"eventTypeCode\",\"networkAccessPointID\",\"participantObjectID\",\"purposeOfUse\","
        "\"userID\",...}]",
        OF_LOG, DIR, 0, 0, VELD_CLI_PLACE_VAULT, srv_verb_audit_query},
    {"audit verify", "--dir MAP [--by GEBRUIKER --pin-file BESTAND]",
        "controleert of het inzagelog van elk apparaat heel is",
        "veldkit-server audit verify --dir /srv/veldkit\n",
        "{\"chains\",\"entries\",\"faults\":[{\"device\",\"fault\",\"number\",\"until\"}]}",
        AS_PERSON, DIR, 0, 0, VELD_CLI_PLACE_VAULT, srv_verb_audit_verify},
    {"audit export",
        "--dir MAP --file BESTAND [--case ZAAK] [--device APPARAAT] [--user GEBRUIKER] [--from "
        "TIJD] "
        "[--to TIJD] [--action SOORT] [--compartment DEEL] [--by GEBRUIKER --pin-file BESTAND]",
        "schrijft het inzagelog als regels JSON, met een ondertekende laatste regel",
        "veldkit-server audit export --dir /srv/veldkit --file inzage-2026.jsonl\n",
        "regels als bij audit query, als laatste {\"statement\"}: een JWS van de organisatie",
        OF_LOG | SRV_OPTION_FILE, DIR | SRV_OPTION_FILE, 0, 0, VELD_CLI_PLACE_VAULT,
        srv_verb_audit_export},
    {"audit could-read", "--dir MAP APPARAAT --at TIJD [--by GEBRUIKER --pin-file BESTAND]",
        "toont welke zaken een tablet op een moment kon lezen",
        "veldkit-server audit could-read --dir /srv/veldkit 0190d2f4 --at "
        "2026-11-22T14:00:00+01:00\n",
        "[{\"case\",\"compartment\",\"emergency\",\"leaseEnd\",\"ordered\",\"since\",\"sure\"}]",
        SRV_OPTION_AT | AS_PERSON, DIR | SRV_OPTION_AT, 1, 1, VELD_CLI_PLACE_VAULT,
        srv_verb_audit_could_read},
    {"case unassign", "--dir MAP ZAAK APPARAAT [--compartment DEEL]",
        "neemt een tablet een zaak af, nadat die heeft ingeleverd wat nog niet verzonden was",
        "veldkit-server case unassign --dir /srv/veldkit 0190d2f4 \"A. de Vries\"\n",
        "{\"case\",\"device\"}", SRV_OPTION_COMPARTMENT, DIR, 2, 2, VELD_CLI_PLACE_VAULT,
        srv_verb_case_unassign},
    {"device revoke", "--dir MAP APPARAAT [--wipe]",
        "trekt een tablet in: hij mag alleen nog inleveren, en zijn zaken krijgen nieuwe sleutels",
        "veldkit-server device revoke --dir /srv/veldkit 0190d2f4\n"
        "veldkit-server device revoke --dir /srv/veldkit \"A. de Vries\" --wipe\n",
        "{\"cases\",\"device\",\"wipe\"}", SRV_OPTION_WIPE, DIR, 1, 1, VELD_CLI_PLACE_VAULT,
        srv_verb_device_revoke},
    {"device quarantine", "--dir MAP [show WIJZIGING | admit|refuse WIJZIGING --reason TEKST]",
        "toont wat een ingetrokken tablet nog inleverde of wat voor een gewiste zaak kwam, en laat "
        "het toe of niet",
        "veldkit-server device quarantine --dir /srv/veldkit\n"
        "veldkit-server device quarantine --dir /srv/veldkit admit 3b1f09aa --reason "
        "\"nagebeld\"\n",
        "[{\"change\",\"device\",\"case\",\"reason\",\"received\"}], of {\"admitted\",\"change\"}, "
        "na "
        "admit met buildsOn; "
        "bij "
        "show "
        "{\"buildsOn\":{\"missing\",\"refused\",\"waiting\"},\"case\",\"change\",\"device\","
        "\"readable\",\"reason\",\"writes\":[{\"record\",\"type\","
        "\"field\",\"value\"}]}",
        SRV_OPTION_REASON, DIR, 0, 2, VELD_CLI_PLACE_VAULT, srv_verb_device_quarantine},
    {"record types", "[SOORT]",
        "noemt de soorten onderdelen, of van een soort de velden en de keuzen",
        "veldkit-server record types\n"
        "veldkit-server record types safety-agreement\n",
        veld_label_types_answer, 0, 0, 0, 1, VELD_CLI_PLACE_NOWHERE, veld_label_verb_types},
    {"conflict list", "--dir MAP [--by GEBRUIKER --pin-file BESTAND]",
        "toont waar iemand moet kiezen", "veldkit-server conflict list --dir /srv/veldkit\n",
        "[{\"conflict\",\"case\",\"compartment\",\"record\",\"field\",\"base\",\"effective\","
        "\"risk\",\"owner\",\"age\",\"deadline\",\"since\",\"expect\",\"proposal\":{\"by\","
        "\"decision\",\"needs\",\"reason\",\"signed\",\"time\",\"value\"},"
        "\"sides\":[{\"side\",\"value\",\"worker\",\"device\",\"time\",\"clock\",\"received\","
        "\"serverTime\",\"skewed\"}]}]",
        AS_PERSON, DIR, 0, 0, VELD_CLI_PLACE_VAULT, srv_verb_conflict_list},
    {"conflict show", "--dir MAP KEUZE [--by GEBRUIKER --pin-file BESTAND]",
        "toont waartussen gekozen moet worden",
        "veldkit-server conflict show --dir /srv/veldkit 3b1f09aa\n", "als bij conflict list, één",
        AS_PERSON, DIR, 1, 1, VELD_CLI_PLACE_VAULT, srv_verb_conflict_show},
    {"conflict resolve",
        "--dir MAP KEUZE --take KEUZE --reason TEKST [--revise] [--expect STAND] [--by GEBRUIKER "
        "[--pin-file BESTAND]]",
        "kiest, met een reden; waar een fout gevaar geeft is het een voorstel",
        "veldkit-server conflict resolve --dir /srv/veldkit 3b1f09aa --take side=2 --reason "
        "\"nagebeld\"\n"
        "veldkit-server conflict resolve --dir /srv/veldkit 3b1f09aa --take 'value=\"high\"' "
        "--reason \"overleg\"\n"
        "veldkit-server conflict resolve --dir /srv/veldkit 3b1f09aa --take base --reason "
        "\"overleg\" --by \"B. Jansen\" --pin-file pin\n",
        "{\"by\",\"change\",\"conflict\",\"decision\",\"needs\",\"signed\",\"value\"}, met held "
        "als "
        "een regel haar "
        "aanhoudt; is er iets veranderd, dan "
        "{\"conflict\" of \"decided\",\"error\"}",
        SRV_OPTION_TAKE | SRV_OPTION_REASON | SRV_OPTION_REVISE | SRV_OPTION_EXPECT | AS_PERSON,
        DIR | SRV_OPTION_TAKE | SRV_OPTION_REASON, 1, 1, VELD_CLI_PLACE_VAULT,
        srv_verb_conflict_resolve},
    {"conflict confirm", "--dir MAP KEUZE --by GEBRUIKER --pin-file BESTAND [--expect STAND]",
        "bevestigt als tweede persoon wat een ander koos",
        "veldkit-server conflict confirm --dir /srv/veldkit 3b1f09aa --by \"C. de Wit\" --pin-file "
        "pin\n",
        "als bij conflict resolve", SRV_OPTION_EXPECT | AS_PERSON, DIR | SRV_OPTION_BY, 1, 1,
        VELD_CLI_PLACE_VAULT, srv_verb_conflict_confirm},
    {"conflict assign",
        "--dir MAP KEUZE [--owner NAAM] [--deadline JJJJ-MM-DD] [--by GEBRUIKER --pin-file "
        "BESTAND]",
        "noteert wie een keuze onder zich heeft, en tot wanneer",
        "veldkit-server conflict assign --dir /srv/veldkit 3b1f09aa --owner \"B. Jansen\" "
        "--deadline 2026-03-05\n",
        "{\"conflict\"}", SRV_OPTION_OWNER | SRV_OPTION_DEADLINE | AS_PERSON, DIR, 1, 1,
        VELD_CLI_PLACE_VAULT, srv_verb_conflict_assign},
    {"conflict explain", "--dir MAP ZAAK [--compartment DEEL] [--by GEBRUIKER --pin-file BESTAND]",
        "vertelt wat los van elkaar is opgeschreven, welke regel gold en wie wat besloot",
        "veldkit-server conflict explain --dir /srv/veldkit 0190d2f4\n",
        "{\"cut\",\"held\":[{\"held\",\"value\",...,\"dangers\":[...],\"ending\"}],\"meetings\":[{"
        "\"case\","
        "\"record\",\"recordName\",\"type\",\"field\",\"rule\","
        "\"base\",\"meanwhile\",\"open\",\"sides\":[{\"value\",\"worker\",...,"
        "\"seenBy\":[{\"worker\"}]}],"
        "\"endings\":[{\"value\",\"decision\",\"decidedBy\",\"reason\",...}]}]}",
        SRV_OPTION_COMPARTMENT | AS_PERSON, DIR, 1, 1, VELD_CLI_PLACE_VAULT,
        srv_verb_conflict_explain},
};

const veld_cli_program srv_program = {
    .name = "veldkit-server",
    .version = VELD_VERSION,
    .help =
        "Voorbeelden:\n"
        "  veldkit-server init --dir /srv/veldkit --name \"Veilig Thuis Voorbeeld\"\n"
        "  veldkit-server serve --dir /srv/veldkit\n"
        "  veldkit-server device invite --dir /srv/veldkit --worker \"A. de Vries\"\n\n"
        "Gebruik: veldkit-server OPDRACHT --dir MAP ...     meer: veldkit-server OPDRACHT "
        "--help\n"
        "ZAAK, APPARAAT en KEUZE: het nummer, of vier of meer tekens van het begin of het einde.\n",
    .exit_codes =
        "\nAfsluitcodes: 0 gelukt, 1 mislukt, 2 verkeerd gebruik of onjuiste gegevens, 3 deels\n"
        "gelukt, 4 er moet iemand kiezen, 5 op slot, 6 van een ander apparaat, 7 netwerk,\n"
        "8 beschadigd of niet echt, 9 mag niet, 10 niet gevonden, 130 onderbroken, 141 wie de\n"
        "uitvoer las is weg.\n",
    .folder = {"dir", "MAP", "map van de organisatie"},
    .options = options,
    .options_count = sizeof options / sizeof options[0],
    .options_of_all =
        VELD_CLI_FOLDER | VELD_CLI_JSON | VELD_CLI_QUIET | VELD_CLI_HELP | VELD_CLI_VERSION,
    .secret_files = VELD_CLI_PIN_FILE | SRV_OPTION_OLD_PIN_FILE,
    .texts = SRV_OPTION_REASON | SRV_OPTION_TAKE,
    .before = srv_before,
    .after = srv_after,
    .verbs = verbs,
    .verbs_count = sizeof verbs / sizeof verbs[0],
    .around = srv_around,
};
