using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Gemm;

/// <summary>Where each batch of an operand begins: offsets in elements, the outermost dimension slowest.</summary>
internal static class Batches
{
    public static int Count(Shape shape, int skip) => checked((int)shape.Dims[skip..^2].ToArray().Aggregate(1L, (n, d) => n * d));

    /// <param name="skip">Leading dimensions that are no batches.</param>
    public static nint[] Offsets(Operand operand, int skip)
    {
        var dims = operand.Shape.Dims[skip..^2].ToArray();
        var offsets = new nint[Count(operand.Shape, skip)];
        for (int i = 0; i < offsets.Length; i++)
        {
            long rest = i;
            for (int axis = dims.Length - 1; axis >= 0; axis--)
            {
                offsets[i] += (nint)(rest % dims[axis] * operand.Strides[axis + skip]);
                rest /= dims[axis];
            }
        }

        return offsets;
    }

    /// <summary>Where each batch's part of each of the epilogue's sources begins.</summary>
    public static nint[][] Offsets(Epilogue? epilogue, int batches)
    {
        nint[][] sources = [.. epilogue?.Sources.Select(s => Offsets(s, 0)) ?? []];
        return [.. Enumerable.Range(0, batches).Select(b => sources.Select(s => s[b]).ToArray())];
    }
}
