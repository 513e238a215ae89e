import ExcelJS from "exceljs";

const PRICES: readonly (readonly (string | number)[])[] = [
  ["Article", "Description", "Price in kroner", "Delivery"],
  ["K2-STD", "K2 buoy, standard, 400,000 readings of buffer", 86_500, "3 weeks"],
  ["K2-ICE", "K2 buoy with heated conductivity cell", 104_900, "6 weeks"],
  ["SHR-3", "Shoreline gateway, third edition", 39_200, "2 weeks"],
  ["MOOR-30", "Mooring kit, 30 m chain, two shackles", 6_450, "in stock"],
  ["HEAD-2", "Sensor head, calibrated", 18_750, "in stock"],
  ["KEY-M", "Magnet key, pack of five", 390, "in stock"],
];

const DISCOUNTS: readonly (readonly (string | number)[])[] = [
  ["Buoys in one order", "Discount"],
  ["5 to 9", "4 %"],
  ["10 to 24", "9 %"],
  ["25 and more", "14 %"],
];

/** The price list: a sheet of articles and one of discounts. */
export async function priceList(): Promise<Uint8Array> {
  const book = new ExcelJS.Workbook();
  book.title = "Kelpline price list 2031";
  book.creator = "Halvorsen Marine Instruments";
  book.created = new Date();
  book.modified = new Date();
  for (const [name, rows] of [
    ["Articles", PRICES],
    ["Discounts", DISCOUNTS],
  ] as const) {
    const sheet = book.addWorksheet(name);
    for (const row of rows) sheet.addRow([...row]);
  }
  return new Uint8Array(await book.xlsx.writeBuffer());
}
