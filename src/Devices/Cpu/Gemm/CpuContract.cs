using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// A (batched) product: panels of B packed once for each strip of C's columns, A read in place where its rows lie well, C's tiles finished with the
/// epilogue while hot. A part is some strips of one batch, or some of their rows where there are fewer strips than threads.
/// </summary>
internal sealed unsafe class CpuContract : CpuKernel
{
    private const int PartsPerThread = 4;

    // Far more than threads, far fewer than a team can count.
    private const int PartsMax = 1 << 16;

    // More than elsewhere (Work.MultiplyAddsMin): products are the quickest work there is, and a panel may be packed by several.
    private const double WorkMin = 500_000;

    // As much of a long k's panels as still is in some cache.
    private const long PanelBytesMost = 512 << 10;

    // Of more rows than this packing is a hundredth of the work or so, and a second copy of the weights not worth it.
    private const int KeptRowsMost = 512;

    private readonly Product product;
    private readonly Tiling tiling;
    private readonly int size, panels, batches, stepsMax, block;
    private readonly PackedRows packedRows;
    private readonly nint[] aOffsets, bOffsets, cOffsets;
    private readonly nint[][] epilogueOffsets;
    private readonly TileEpilogue? epilogue;
    private readonly bool isFar, isTargetFar, arePanels;
    private readonly SharedScratch? kept;
    private int rowParts = 1, panelsAtOnce;

    /// <param name="kept">Where all of B's panels lie (<see cref="PanelPhase"/>), if <paramref name="rests"/> says so of its block.</param>
    private CpuContract(ContractKernel kernel, SharedScratch? kept, Func<int, bool> rests, CpuContext context, Func<Operand, nint> address)
    {
        this.kept = kept;
        if (kept is null && Panels.Joined(kernel) is { } joined && joined.Target.Shape[1] <= context.ProductSideMax)
            (kernel, arePanels) = (joined, true);
        tiling = new Tiling(kernel.Target.DType, context.Width);
        size = kernel.Target.DType.Size();
        product = Product.Of(kernel.Left, kernel.Right, kernel.Target, address);
        bool swapped = !arePanels && product.IsBetterSwapped(tiling, kernel.Epilogue is not null, rests(kernel.Left.Block), rests(kernel.Right.Block));
        if (swapped)
            product = product.Swapped;
        block = (swapped ? kernel.Left : kernel.Right).Block;
        batches = Batches.Count(kernel.Target.Shape, 0);
        (aOffsets, bOffsets, cOffsets) = (Batches.Offsets(swapped ? kernel.Right : kernel.Left, 0), Batches.Offsets(swapped ? kernel.Left : kernel.Right, 0), Batches.Offsets(kernel.Target, 0));
        epilogueOffsets = Batches.Offsets(kernel.Epilogue, batches);
        epilogue = kernel.Epilogue is null ? null : new TileEpilogue(kernel.Epilogue, swapped, context, address);
        isFar = product.A.ColumnStride == 1 && Cache.IsBeyond((long)product.M * product.K * size);
        isTargetFar = Cache.IsFar(product.M * Math.Abs(product.C.RowStride) * size);
        panels = (product.N + tiling.PanelColumns - 1) / tiling.PanelColumns;
        // A k longer than a block is cut at blocks, whose sums are added; a shorter one is one chain, cut where the cache likes it.
        stepsMax = (int)Math.Min(product.K, product.K > ContractKernel.BlockLength ? ContractKernel.BlockLength : tiling.StepsMax(product.A));
        packedRows = new PackedRows(product.A, panels > 1 ? Math.Min(product.M, tiling.RowsPacked) : 0, stepsMax, size);
        // Rows that are all in the second-level cache anyway gain nothing from it.
        bool isGrouped = packedRows.Bytes > 0 || (long)product.M * product.K * size > Cache.SecondLevelBytes * 3 / 4;
        panelsAtOnce = isGrouped && panels > 0 ? (int)Math.Clamp(PanelBytesMost / Math.Max(1, PanelBytes), 1, Math.Min(panels, tiling.PanelsMax)) : 1;
    }

    public static CpuContract Of(ContractKernel kernel, CpuContext context, Func<Operand, nint> address) => new(kernel, null, _ => false, context, address);

    /// <summary>With panels that are kept while what they are made of rests; null where there is nothing to keep.</summary>
    /// <param name="resting">Of a block, if it rests.</param>
    public static CpuPhases? Keeping(ContractKernel kernel, Func<int, RestingBlock?> resting, CpuContext context, Func<Operand, nint> address)
    {
        var place = new SharedScratch(0);
        var contract = new CpuContract(kernel, place, block => resting(block) is not null, context, address);
        var (product, tiling) = (contract.product, contract.tiling);
        bool packed = product.B.ColumnStride == 1 && product.B.RowStride == product.N && product.N % tiling.Lanes == 0 && product.N <= tiling.PanelColumns;
        if (product.M > KeptRowsMost || packed || product.K == 0 || product.N == 0 || contract.bOffsets.Any(o => o != 0)
            || resting(contract.block)?.Keep((nameof(PanelPhase), product.B, product.K, product.N), PanelPhase.Bytes(product.K, product.N, tiling)) is not { } form)
            return null;
        return new CpuPhases(place, new PanelPhase(product.B, checked((int)product.K), product.N, tiling, place), contract) { Kept = form };
    }

    private long PanelBytes => arePanels ? 0 : (long)stepsMax * tiling.PanelColumns * size;

    public override long ScratchBytesPerThread => PanelBytes * panelsAtOnce + tiling.TileBytes + packedRows.Bytes;

    /// <summary>Of panels that are packed at once.</summary>
    private long Groups => (panels + panelsAtOnce - 1) / panelsAtOnce;

    public override int Parts(int threads)
    {
        if (product.M == 0 || product.N == 0 || batches == 0)
            return 0;
        // Small products are not worth waking anybody, and rows that are cut for nobody pack their panel again and again.
        if (threads == 1 || (double)product.M * product.N * product.K * batches < WorkMin)
            return 1;
        (panelsAtOnce, rowParts) = tiling.Parts(batches, panels, product.M, threads * PartsPerThread, panelsAtOnce);
        return (int)Math.Min(batches * Groups * rowParts, PartsMax);
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        long groups = Groups;
        var (first, end) = Share(batches * groups * rowParts, 1, part, parts);
        for (long unit = first; unit < end; unit++)
        {
            int batch = (int)(unit / (groups * rowParts)), panel = (int)(unit / rowParts % groups) * panelsAtOnce;
            var (row, rows) = Tiling.Rows(product.M, rowParts, (int)(unit % rowParts));
            Group(batch, panel, Math.Min(panels, panel + panelsAtOnce), row, rows, scratch);
        }
    }

    /// <summary>Some panels times some rows. Of those a block stays in the second-level cache while one panel after the other is in the first.</summary>
    private void Group(int batch, int firstPanel, int endPanel, int firstRow, int rowCount, byte* scratch)
    {
        byte* memory = scratch + PanelBytes * panelsAtOnce + tiling.TileBytes;
        var a = product.A.Shifted(aOffsets[batch], size);
        int blocks = (rowCount + tiling.RowsAtOnce - 1) / tiling.RowsAtOnce;
        long step = 0;
        do
        {
            int steps = (int)Math.Min(stepsMax, product.K - step);
            for (int panel = firstPanel; panel < endPanel; panel++)
                Pack(batch, panel, step, steps, scratch + (panel - firstPanel) * PanelBytes);
            for (int i = 0; i < blocks; i++)
            {
                var (row, rows) = Tiling.Rows(rowCount, blocks, i);
                var rowsOfA = packedRows.From(a, firstRow + row, rows, (nint)step, steps, memory);
                for (int panel = firstPanel; panel < endPanel; panel++)
                    Tiles(batch, panel, scratch + (panel - firstPanel) * PanelBytes, rowsOfA, firstRow + row, rows, step, steps, scratch + PanelBytes * panelsAtOnce, isFirst: panel == firstPanel);
            }

            step += steps;
        }
        while (step < product.K);
    }

    private (int Column, int Columns, int Vectors) Place(int panel)
    {
        int column = panel * tiling.PanelColumns, columns = Math.Min(tiling.PanelColumns, product.N - column);
        return (column, columns, tiling.Vectors(columns));
    }

    /// <summary>Whether B's rows are as micro-kernels read them.</summary>
    private bool IsInPlace(int columns) => arePanels || (columns % tiling.Lanes == 0 && product.B.ColumnStride == 1 && product.B.RowStride == columns);

    /// <summary>Where B is from a step and a column of a panel on.</summary>
    private byte* OfB(int batch, nint step, int column)
    {
        var b = product.B.Shifted(bOffsets[batch], size);
        return arePanels ? b.Shifted(column / Panels.Columns * (nint)product.K * Panels.Columns, size).At(step, column % Panels.Columns, size) : b.At(step, column, size);
    }

    private void Pack(int batch, int panel, long step, int steps, byte* target)
    {
        var (column, columns, vectors) = Place(panel);
        if (kept is null && !IsInPlace(columns))
            Packing.Panel(OfB(batch, (nint)step, column), product.B, steps, columns, vectors * tiling.Lanes, size, target);
    }

    private void Tiles(int batch, int panel, byte* packed, Matrix a, int firstRow, int rowCount, long step, int steps, byte* buffer, bool isFirst)
    {
        var (column, columns, vectors) = Place(panel);
        int width = vectors * tiling.Lanes;
        var c = product.C.Shifted(cOffsets[batch], size);
        byte* from = kept is not null ? kept.Pointer + (PanelPhase.Place(column, (int)product.K) + (nint)step * width) * size
            : IsInPlace(columns) ? OfB(batch, (nint)step, column) : packed;
        bool direct = columns == width && c.ColumnStride == 1, ends = step + steps == product.K;
        // A tile that is there in one go is written once: its epilogue takes it from where it was computed.
        bool passes = direct && ends && step == 0 && epilogue is not null;
        var mode = step == 0 ? TileMode.Store : product.K > ContractKernel.BlockLength ? TileMode.Add : TileMode.Continue;
        var tiles = MicroKernel.Tiles(tiling, rowCount, vectors, isFar && isFirst, arePanels && width != Panels.Columns);
        for (int t = 0, rows; t < tiles.Count; t++)
        {
            int inBlock = tiles.First(t), row = firstRow + inBlock;
            rows = tiles.Rows(t);
            byte* target = c.At(row, column, size), tile = direct && !passes ? target : buffer;
            nint targetRow = c.RowStride * size, tileRow = direct && !passes ? targetRow : width * size;
            if (isTargetFar && direct && step == 0)
                Cache.Fetch(target, targetRow, rows, columns * size);
            if (ends)
                epilogue?.Fetch(rows, columns, row, column, epilogueOffsets[batch]);
            if (!direct && mode != TileMode.Store)
                TileCopy.Load(c, row, column, rows, columns, width, size, buffer);
            tiles.Kernel(t)(a.At(inBlock, 0, size), a.RowStride * size, a.ColumnStride * size, from, tile, tileRow, steps, mode);
            if (ends)
                epilogue?.Apply(tile, tileRow, passes ? target : tile, passes ? targetRow : tileRow, rows, columns, row, column, epilogueOffsets[batch]);
            if (!direct)
                TileCopy.Store(c, row, column, rows, columns, width, size, buffer);
        }
    }
}
