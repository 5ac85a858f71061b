using System.Reflection;
using System.Runtime.Intrinsics;
using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Cpu.Emit;

/// <summary>
/// The methods that put an element into every lane. Named by delegates: looking one up among the many overloads of Create
/// by reflection takes 9 ms of a process's start.
/// </summary>
internal static class VectorCreate
{
    public static MethodInfo Of(DType type, VectorWidth width) => (width switch
    {
        VectorWidth.V128 => V128(type),
        VectorWidth.V256 => V256(type),
        _ => V512(type),
    }).Method;

    private static Delegate V128(DType type) => type switch
    {
        DType.Float32 => (Func<float, Vector128<float>>)Vector128.Create,
        DType.Float64 => (Func<double, Vector128<double>>)Vector128.Create,
        DType.Int32 => (Func<int, Vector128<int>>)Vector128.Create,
        _ => (Func<long, Vector128<long>>)Vector128.Create,
    };

    private static Delegate V256(DType type) => type switch
    {
        DType.Float32 => (Func<float, Vector256<float>>)Vector256.Create,
        DType.Float64 => (Func<double, Vector256<double>>)Vector256.Create,
        DType.Int32 => (Func<int, Vector256<int>>)Vector256.Create,
        _ => (Func<long, Vector256<long>>)Vector256.Create,
    };

    private static Delegate V512(DType type) => type switch
    {
        DType.Float32 => (Func<float, Vector512<float>>)Vector512.Create,
        DType.Float64 => (Func<double, Vector512<double>>)Vector512.Create,
        DType.Int32 => (Func<int, Vector512<int>>)Vector512.Create,
        _ => (Func<long, Vector512<long>>)Vector512.Create,
    };
}
