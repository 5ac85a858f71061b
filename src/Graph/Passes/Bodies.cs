using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Passes;

/// <summary>Scalar programs inside ops that have one result.</summary>
internal static class Bodies
{
    /// <summary>The program that reads inputs from the given one on, point by point.</summary>
    public static (ScalarProgram Body, int First)? Of(Op op) => op switch
    {
        Pointwise p => (p.Body, 0),
        Reduce r => (r.Body, 0),
        Contract { Body: { } body } => (body, 2),
        Convolve { Body: { } body } => (body, 2),
        _ => null,
    };

    public static Op With(Op op, ScalarProgram body) => op switch
    {
        Pointwise p => p with { Body = body },
        Maps m => m with { Body = body },
        Reduce r => r with { Body = body },
        Contract c => c with { Body = body },
        _ => (Convolve)op with { Body = body },
    };
}
