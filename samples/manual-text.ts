/** What the operations manual says, by section; `generate.ts` sets it as a PDF. Each section begins a page. */
export interface ManualSection {
  readonly title: string;
  readonly parts: readonly ManualPart[];
}

export type ManualPart =
  | { readonly heading: string }
  | { readonly text: string }
  | { readonly table: readonly (readonly string[])[] };

export const MANUAL: readonly ManualSection[] = [
  {
    title: "What Kelpline is",
    parts: [
      {
        text: "Kelpline measures salinity and temperature where rivers meet the sea. A field is between one and forty K2 buoys and one Shoreline gateway on land. The buoys talk to the gateway by radio when they can see it and by satellite when they cannot.",
      },
      { heading: "Who this manual is for" },
      {
        text: "It is for the people who put buoys out, look after them and take them in again: boat crews, field technicians and the engineer on duty. Harbour authorities and researchers who only read the figures need the data guide instead.",
      },
      { heading: "What is in the box" },
      {
        text: "A K2 buoy on its cradle, a mooring kit with 30 metres of chain, two shackles with split pins, a magnet key, and a calibration certificate that carries the same serial number as the hull. If the numbers differ, do not put the buoy out: send a photograph of both to the service desk.",
      },
    ],
  },
  {
    title: "Choosing a place",
    parts: [
      {
        text: "Put the buoy where the water is at least six metres deep at the lowest tide, so that the sensor head at two metres never touches ground. Keep 150 metres from ferry lanes and 400 metres from any outfall: fresh water from a pipe makes a plume that tells you about the pipe and not about the fjord.",
      },
      { heading: "Radio sight" },
      {
        text: "The gateway's antenna should be at least twelve metres above the water. Each buoy listens for the gateway for two seconds every minute. When it has heard nothing for one hour it changes to the satellite, which costs eleven times the energy for each reading, and tries the radio again at every full hour.",
      },
      { heading: "Permission" },
      {
        text: "In Norwegian waters the Coastal Administration wants a notice fourteen days before a buoy goes out. Give it the position, the swing radius of the mooring and the light character: yellow, one flash every five seconds.",
      },
    ],
  },
  {
    title: "Putting a buoy out",
    parts: [
      {
        text: "Two people and a boat with a davit that lifts 120 kilograms. Do not go out in waves above one metre. Wear the gloves from the mooring kit: the chain runs fast.",
      },
      { heading: "Steps on deck" },
      {
        text: "Hold the magnet key to the mark on the crown for five seconds. The light flashes three times green when the self-test has passed, and red as many times as the number of the fault otherwise. Write down the time of the green flashes, since the first hour of readings after it is thrown away while the sensor settles.",
      },
      { heading: "Mooring" },
      {
        text: "The chain should be twice as long as the water is deep at the highest tide. Secure each shackle with its split pin and bend both legs. Let the sinker go first and the buoy last, and never stand in the bight of the chain.",
      },
    ],
  },
  {
    title: "Alarms and what to do",
    parts: [
      {
        text: "An alarm is sent once when it begins and once when it ends. It goes to the engineer on duty, who has fifteen minutes to take it; after that the second person on the list is called.",
      },
      {
        table: [
          ["Alarm", "Meaning", "First thing to do"],
          [
            "A1 Uplink silent",
            "No data for 15 minutes",
            "Check the gateway's modem profile by name",
          ],
          [
            "A2 Off station",
            "More than 60 m from its place",
            "Call the boat crew, send the last position",
          ],
          ["A3 Hull wet", "Water in the battery space", "Take the buoy in within 24 hours"],
          ["A4 Cell fouled", "Wiper current above 180 mA", "Clean the conductivity cell"],
          ["A5 Low battery", "Below 20 percent", "Change to the Fjord plan, plan a swap"],
        ],
      },
      { heading: "When several alarms come at once" },
      {
        text: "Three or more buoys with A1 at the same minute mean that the gateway or its link has failed and not the buoys. Nothing is lost: a buoy keeps 46 days of readings in its flash buffer and sends them, the oldest first, when the link is back.",
      },
    ],
  },
  {
    title: "Calibration",
    parts: [
      {
        text: "The conductivity cell drifts by up to 0.02 PSU a month. Every buoy is calibrated against standard seawater once a year, and checked in the field every three months with a bottle sample.",
      },
      { heading: "The bottle sample" },
      {
        text: "Take 250 millilitres from two metres depth within one metre of the buoy and within five minutes of a full hour. Rinse the bottle three times with the same water first. Label it with the serial number and the time and keep it cool and dark. The laboratory needs it within seven days.",
      },
      { heading: "When the figures differ" },
      {
        text: "A difference of up to 0.05 PSU is entered as an offset in the gateway. Above 0.05 take a second sample; when that agrees with the first, swap the sensor head. Readings since the last good check are marked as doubtful, never deleted.",
      },
    ],
  },
  {
    title: "Taking a buoy in",
    parts: [
      {
        text: "Take buoys in before the ice comes, at the latest when the water is colder than one degree for three days. Hook the davit to the crown, never to the antenna mast. Hold the magnet key to the mark for ten seconds until the light goes out, so that the buoy does not report that it has left its place.",
      },
      { heading: "Winter storage" },
      {
        text: "Rinse with fresh water, dry for two days, and store between 5 and 15 degrees with the battery at half charge. Leave the wiper parked over the cell and put the red cap on. A battery that was stored full loses about a fifth of its capacity in a winter.",
      },
    ],
  },
  {
    title: "Service and warranty",
    parts: [
      {
        text: "The hull is under warranty for five years, electronics and battery for two. Damage by ships, ice and acid is not covered. Send the serial number and the last thirty days of the buoy's log with every claim; the gateway writes both into one file with the command shoreline support bundle.",
      },
      { heading: "Spare parts" },
      {
        text: "The service desk in Bergen answers on working days from 7 to 17. A sensor head is in stock and leaves on the same day when it is ordered before noon. A new hull takes six weeks.",
      },
      { heading: "Disposal" },
      {
        text: "The battery holds 1.2 kilograms of lithium iron phosphate and does not belong in household waste. We take every buoy back at no charge, whatever its age.",
      },
    ],
  },
];
