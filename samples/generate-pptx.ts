import pptxgen from "pptxgenjs";

// The package's types describe its CommonJS build; its ES build exports the class itself.
const Deck = pptxgen as unknown as typeof pptxgen.default;

interface Slide {
  readonly title: string;
  readonly points: readonly string[];
  readonly notes?: string;
}

const SLIDES: readonly Slide[] = [
  {
    title: "Kelpline K2 launch plan",
    points: ["Board meeting, 12 June 2031", "Presented by Sigrid Halvorsen"],
  },
  {
    title: "Why now",
    points: [
      "Fourteen harbours asked for hourly salinity in 2030, four in 2028",
      "The only rival stopped selling in the Baltic in January",
      "Adaptive sampling halves what a reading costs us",
    ],
    notes: "Mention the letter from the port of Gdynia: they want forty buoys by spring.",
  },
  {
    title: "Launch markets",
    points: [
      "Norway and Denmark in September 2031",
      "Poland and Sweden in March 2032",
      "Canada after the ice trials in Churchill",
    ],
  },
  {
    title: "Risks",
    points: [
      "Battery cells come from one supplier in Harbin",
      "Certification of the light takes five months in Canada",
      "If fewer than 120 buoys are ordered by December, the second line is not built",
    ],
    notes: "The break-even point is 212 buoys at the Coast plan.",
  },
];

/** The launch deck: a slide each for the plan, the reasons, the markets, the budget and the risks. */
export async function launchDeck(): Promise<Uint8Array> {
  const deck = new Deck();
  deck.title = "Kelpline K2 launch plan";
  deck.company = "Halvorsen Marine Instruments";
  for (const { title, points, notes } of SLIDES) {
    const slide = deck.addSlide();
    slide.addText(title, { x: 0.5, y: 0.3, w: 9, h: 0.8, fontSize: 30, bold: true });
    const bullets = points.map((text) => ({ text, options: { bullet: true, breakLine: true } }));
    slide.addText(bullets, { x: 0.5, y: 1.4, w: 9, h: 3.5, fontSize: 18 });
    if (notes) slide.addNotes(notes);
  }
  addBudget(deck);
  return (await deck.write({ outputType: "nodebuffer" })) as Uint8Array;
}

function addBudget(deck: InstanceType<typeof Deck>): void {
  const slide = deck.addSlide();
  slide.addText("Launch budget", { x: 0.5, y: 0.3, w: 9, h: 0.8, fontSize: 30, bold: true });
  const rows = [
    ["Item", "2031", "2032"],
    ["Tooling for the second line", "3.4 M kr", "0.2 M kr"],
    ["Certification", "0.9 M kr", "1.1 M kr"],
    ["Demonstration fleet of twelve buoys", "1.6 M kr", "0"],
  ];
  slide.addTable(
    rows.map((row) => row.map((text) => ({ text }))),
    { x: 0.5, y: 1.4, w: 9 },
  );
}
