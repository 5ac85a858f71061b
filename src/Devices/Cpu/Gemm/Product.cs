using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>
/// One matrix product: C [m, n] = A [m, k] · B [k, n], each somewhere in memory. Which operand plays A is free, since a chain of
/// products does not change when its factors change places: <see cref="IsBetterSwapped"/> takes the cheaper way round.
/// </summary>
internal readonly record struct Product(Matrix A, Matrix B, Matrix C, int M, int N, long K)
{
    public Product Swapped => new(B.Transposed, A.Transposed, C.Transposed, N, M, K);

    /// <summary>Whether the other way round is cheaper by a rough count of cycles.</summary>
    /// <param name="keptA">Whether A, were it B, would be packed once and for all; <paramref name="keptB"/>: whether B is.</param>
    public bool IsBetterSwapped(Tiling tiling, bool epilogue, bool keptA = false, bool keptB = false) => Swapped.Cost(tiling, epilogue, keptA) < Cost(tiling, epilogue, keptB);

    private double Cost(Tiling tiling, bool epilogue, bool kept)
    {
        double lanes = tiling.Lanes, m = M, n = N, k = K;
        bool unitC = C.ColumnStride == 1 || N == 1;
        double multiply = m * Math.Ceiling(n / lanes) * k / 2;
        // Rows of B are copied in vectors; columns are turned in registers or, where they do not lie side by side either, go element by element.
        double pack = kept ? 0 : k * n * (B.ColumnStride == 1 || N == 1 ? 2 / lanes : B.RowStride == 1 ? 0.5 : 1.2);
        // Columns of C that lie a multiple of this apart fall into a few sets of the cache and drive one another out.
        const int aliasing = 512;
        double write = unitC ? n % tiling.PanelColumns == 0 ? 0 : m * n * 0.2 : m * n * (epilogue ? 3.5 : 1.5) * (C.ColumnStride % aliasing == 0 ? 4 : 1);
        return multiply + pack + write;
    }

    public static Product Of(Operand left, Operand right, Operand target, Func<Operand, nint> address) => new(
        Matrix(left, address), Matrix(right, address), Matrix(target, address),
        checked((int)left.Shape[^2]), checked((int)right.Shape[^1]), left.Shape[^1]);

    public static Matrix Matrix(Operand operand, Func<Operand, nint> address) =>
        new(address(operand), (nint)operand.Strides[^2], (nint)operand.Strides[^1]);
}
